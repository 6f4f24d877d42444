import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { receiveUpload } from '../../auth/admission/receive-upload.js';
import { turnsOfProven, UnprovenWork, type WorkTurns } from '../../auth/admission/unproven-work.js';
import type { Upload } from '../../auth/admission/upload.js';
import { AuthService, type BodyFacts, type PendingAuthentication } from '../../auth/auth.service.js';
import type { SignedCaller } from '../../auth/caller.js';
import { RateLimits } from '../../auth/rate-limits.js';
import { UploadGate } from '../../auth/upload-gate.js';
import { Clock } from '../../common/clock.js';
import { markProven } from '../../common/connections/connections.js';
import { newId } from '../../common/ids.js';
import { SentBody } from '../../common/sent-body.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { readIdempotencyKey } from '../../jobs/idempotency-key.js';
import { AllowList } from '../../outbound/allow-list.js';
import { requestKeyOf } from '../request/idempotency.js';
import { RequestContent } from '../request/request-content.js';
import { createSplitter, openBodyStream, type BodyStream } from './body-stream.js';
import { IntakeSink } from './intake-sink.js';
import type { ReceivedRequest } from '../request/received-request.js';
import { LotSpool } from './lot-spool.js';
import { SpoolFolder } from './spool-folder.js';
import { StraightCopies } from './straight-copy.js';

/**
 * Takes one request in. The body is received unchanged, then its signature is checked, and only then it is read through
 * splitter and rules into the spool; most rows go straight on into the database. A body that must be read to check its
 * signature (the lots signature) is read in turns and its rows wait in the spool. Memory does not grow with the body,
 * nothing reaches the database before the signature is found correct, and nothing of a refused request stays there.
 */
@Injectable()
export class RequestIntake {
  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly auth: AuthService,
    private readonly limits: RateLimits,
    private readonly gate: UploadGate,
    private readonly work: UnprovenWork,
    private readonly allow: AllowList,
    private readonly folder: SpoolFolder,
    private readonly straight: StraightCopies,
  ) {}

  /**
   * @returns the request; the caller discards its spool
   * @throws ServiceError in the contract's order: 415, 413, then for scheme 1: 401, 403, 400 INVALID_JSON, for scheme
   * 2: 400 INVALID_JSON, 401, 403; then version and content
   */
  async read(request: Request, response: Response): Promise<ReceivedRequest> {
    const upload = this.gate.enter(request, request.ip);
    upload.taken = true;
    const jobId = newId();
    const spool = new LotSpool(this.folder.path, jobId, upload);
    const sent = new SentBody(join(this.folder.path, `${jobId}.sent`), upload);
    try {
      const stream = openBodyStream(request, this.config.limits.maxBodyBytes);
      const pending = this.auth.precheck({
        method: request.method,
        target: request.originalUrl,
        rawHeaders: request.rawHeaders,
        legacy: stream.format === 'json' ? 'lots' : 'none',
      });
      await receiveUpload({ request, response, body: stream.body, sent, upload });
      const receivedAt = this.clock.now();
      return await this.readBody({ request, response, stream, pending, upload, jobId, spool, sent, receivedAt });
    } catch (error) {
      upload.endedBy(error);
      await spool.discard();
      upload.release();
      throw error;
    } finally {
      await sent.discard();
    }
  }

  private async readBody(body: Received): Promise<ReceivedRequest> {
    const { request, response, pending } = body;
    const { caller, bodyHash, content, sink } =
      pending.scheme === 1 ? await this.proveThenSplit(body) : await this.splitThenProve(body);
    const respondAsync = prefersAsync(request);
    const count = () =>
      this.limits.count(content.guessMode(sink.members, respondAsync), caller, request.ip ?? '', response);
    // Scheme 2 signs only the lots and never expires, so anyone may have seen such a signature. Content that is not a
    // valid request must not use up the client's limits.
    if (caller.scheme === 1) await count();
    const checked = content.judge(sink.members, sink.hasLots, respondAsync);
    if (caller.scheme === 2) await count();
    return {
      jobId: body.jobId,
      caller,
      content: checked,
      spool: body.spool,
      bodyHash,
      ...knownBy(body),
      receivedAt: body.receivedAt,
    };
  }

  /**
   * Scheme 1 covers the bytes, so nothing is parsed before they are proven. A stranger's decoder waits for its turn.
   */
  private async proveThenSplit(body: Received): Promise<Proven> {
    const bodyHash =
      body.stream.body.coding === 'identity'
        ? body.sent.sha256Hex()
        : await this.work.run(body.upload, (turns) => hashDecoded(body, turns));
    const caller = this.prove(body, { bodySha256Hex: bodyHash });
    const keyOf = () => requestKeyOf({ jobId: body.jobId, caller, bodyHash, ...knownBy(body) }, this.clock.now());
    body.spool.copyStraight((target) => this.straight.open(target, keyOf));
    const read = await this.split(body, turnsOfProven());
    return { ...read, caller };
  }

  /** Scheme 2 covers the lots, so they are read first, within the time that unproven bodies may take. */
  private async splitThenProve(body: Received): Promise<Proven> {
    const read = await this.work.run(body.upload, (turns) => this.split(body, turns));
    const { bodyHash, content, sink } = read;
    const caller = this.prove(body, {
      bodySha256Hex: bodyHash,
      bodySignature: sink.members['signature'],
      namesPhotos: content.namesPhotos,
    });
    return { ...read, caller };
  }

  /**
   * Reads the lots into the spool. The reader is created only when its turn comes, because many requests may be
   * waiting.
   */
  private async split(body: Received, turns: WorkTurns): Promise<Read> {
    const { stream, sent, spool, pending } = body;
    const content = new RequestContent(this.config.limits, this.allow);
    const sink = new IntakeSink(content, spool, this.auth.lotsHmac(pending));
    const splitter = createSplitter(stream.format, sink);
    const hash = stream.body.coding === 'identity' ? undefined : createHash('sha256');
    for await (const chunk of stream.body.decode(sent.chunks(), sent.size)) {
      const wait = turns.work(() => {
        hash?.update(chunk);
        splitter.write(chunk);
      });
      if (wait !== undefined) await wait;
      if (spool.full) await spool.drain();
    }
    splitter.end();
    await spool.drain();
    return { content, sink, bodyHash: hash?.digest('hex') ?? sent.sha256Hex() };
  }

  private prove({ pending, upload, request }: Received, facts: BodyFacts): SignedCaller {
    const caller = this.auth.authenticate(pending, facts);
    if (caller.scheme === 'unsigned') throw new Error('this route takes no unsigned requests');
    upload.proven();
    markProven(request);
    return caller;
  }
}

/** What a body holds. */
interface Read {
  readonly content: RequestContent;
  readonly sink: IntakeSink;
  /** SHA-256 of the decoded bytes, lower-case hex. */
  readonly bodyHash: string;
}

interface Proven extends Read {
  readonly caller: SignedCaller;
}

/** A request whose body has been received, as it was sent. */
interface Received {
  readonly request: Request;
  readonly response: Response;
  readonly stream: BodyStream;
  readonly pending: PendingAuthentication;
  readonly upload: Upload;
  readonly jobId: string;
  readonly spool: LotSpool;
  readonly sent: SentBody;
  readonly receivedAt: number;
}

/** SHA-256 of the decoded bytes, lower-case hex. */
async function hashDecoded({ stream, sent }: Received, turns: WorkTurns): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream.body.decode(sent.chunks(), sent.size)) {
    const wait = turns.work(() => hash.update(chunk));
    if (wait !== undefined) await wait;
  }
  return hash.digest('hex');
}

/** What the headers say about repeats. */
function knownBy({ request, pending }: Received): Pick<ReceivedRequest, 'idempotencyKey' | 'signedAt'> {
  return {
    idempotencyKey: readIdempotencyKey(request.headersDistinct),
    signedAt: pending.scheme === 1 ? Number(pending.timestamp) : null,
  };
}

/** RFC 7240: `Prefer: respond-async`, alone or among others. */
function prefersAsync(request: Request): boolean {
  const prefer = request.headers['prefer'];
  const values = Array.isArray(prefer) ? prefer.join(',') : (prefer ?? '');
  return values.split(',').some((value) => value.trim().toLowerCase() === 'respond-async');
}
