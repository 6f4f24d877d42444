import { Inject, Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { AuthService, type PendingAuthentication } from '../../auth/auth.service.js';
import type { SignedCaller } from '../../auth/caller.js';
import { RateLimits } from '../../auth/rate-limit.js';
import { UploadGate } from '../../auth/upload-gate.js';
import { Clock } from '../../common/clock.js';
import { newId } from '../../common/ids.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { readIdempotencyKey } from '../../jobs/idempotency-key.js';
import { AllowList } from '../../outbound/allow-list.js';
import { RequestContent } from '../request/request-content.js';
import { createSplitter, openBodyStream, type BodyStream } from './body-stream.js';
import { IntakeSink } from './intake-sink.js';
import type { IntakenRequest } from './intaken-request.js';
import { LotSpool } from './lot-spool.js';
import { SpoolFolder } from './spool-folder.js';

/**
 * Reads one request: its body streams through splitter, rules and signature into the spool. Memory does not grow with
 * it, and nothing reaches the database.
 */
@Injectable()
export class RequestIntake {
  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly auth: AuthService,
    private readonly limits: RateLimits,
    private readonly gate: UploadGate,
    private readonly allow: AllowList,
    private readonly folder: SpoolFolder,
  ) {}

  /**
   * @returns the request; the caller discards its spool
   * @throws ServiceError in the contract's order: 415, 413, 400 INVALID_JSON, 401, 403, then version and content
   */
  async read(request: Request, response: Response): Promise<IntakenRequest> {
    const stream = openBodyStream(request, this.config.limits.maxBodyBytes);
    const pending = this.auth.precheck({
      method: request.method,
      target: request.originalUrl,
      rawHeaders: request.rawHeaders,
      legacy: stream.format === 'json' ? 'lots' : 'none',
    });
    const slot = this.gate.enter(request.ip);
    const jobId = newId();
    const spool = new LotSpool(this.folder.path, jobId, slot);
    try {
      return await this.readBody({ request, response, stream, pending, proven: slot.proven, jobId, spool });
    } catch (error) {
      await spool.discard();
      slot.release();
      throw error;
    }
  }

  private async readBody(upload: Upload): Promise<IntakenRequest> {
    const { request, response, stream, pending, jobId, spool } = upload;
    const content = new RequestContent(this.config.limits, this.allow);
    const sink = new IntakeSink(content, spool, this.auth.lotsHmac(pending));
    const splitter = createSplitter(stream.format, sink);
    for await (const chunk of stream.body.chunks()) {
      splitter.write(chunk);
      if (spool.full) await spool.drain();
    }
    const receivedAt = this.clock.now();
    splitter.end();
    await spool.drain();
    const bodyHash = stream.body.sha256Hex();
    const caller = this.prove(pending, bodyHash, sink, content.namesPhotos);
    const respondAsync = prefersAsync(request);
    upload.proven();
    const count = () =>
      this.limits.count(content.guessMode(sink.members, respondAsync), caller, request.ip ?? '', response);
    // Scheme 2 signs lots alone and for ever: what is no request uses up nobody's limits.
    if (caller.scheme === 1) await count();
    const checked = content.judge(sink.members, sink.hasLots, respondAsync);
    if (caller.scheme === 2) await count();
    return {
      jobId,
      caller,
      content: checked,
      spool,
      bodyHash,
      idempotencyKey: readIdempotencyKey(request.headersDistinct),
      signedAt: pending.scheme === 1 ? Number(pending.timestamp) : null,
      receivedAt,
    };
  }

  private prove(
    pending: PendingAuthentication,
    bodySha256Hex: string,
    sink: IntakeSink,
    namesPhotos: boolean,
  ): SignedCaller {
    const bodySignature = sink.members['signature'];
    const caller = this.auth.authenticate(pending, { bodySha256Hex, bodySignature, namesPhotos });
    if (caller.scheme === 'unsigned') throw new Error('this route takes no unsigned requests');
    return caller;
  }
}

interface Upload {
  readonly request: Request;
  readonly response: Response;
  readonly stream: BodyStream;
  readonly pending: PendingAuthentication;
  readonly proven: () => void;
  readonly jobId: string;
  readonly spool: LotSpool;
}

/** RFC 7240: `Prefer: respond-async`, alone or among others. */
function prefersAsync(request: Request): boolean {
  const prefer = request.headers['prefer'];
  const values = Array.isArray(prefer) ? prefer.join(',') : (prefer ?? '');
  return values.split(',').some((value) => value.trim().toLowerCase() === 'respond-async');
}
