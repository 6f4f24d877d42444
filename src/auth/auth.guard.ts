import { applyDecorators, Inject, Injectable, SetMetadata, UseGuards } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { nameIgnoredParameters } from '../common/ignored-parameters.js';
import { createHash } from 'node:crypto';
import { markProven } from '../common/connections/connections.js';
import { isUtf8MediaType, mediaTypeOf, RequestBody, unsupportedMediaType } from '../common/request-body.js';
import { SentBody } from '../common/sent-body.js';
import { parseStrictJson } from '../common/strict-json.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { receiveUpload } from './admission/receive-upload.js';
import { UnprovenWork } from './admission/unproven-work.js';
import { AuthService, type LegacyMessage, type PendingAuthentication } from './auth.service.js';
import { attachCaller, type Caller } from './caller.js';
import { RateLimits, type RateLimitName } from './rate-limits.js';
import { EMPTY_BODY_SHA256 } from './signatures.js';
import { UploadGate } from './upload-gate.js';

/** Bodies of the guarded routes are small objects; the upload route reads its body itself. */
const MAX_SMALL_BODY_BYTES = 64 * 1024;

/** The path parameter that `legacy: 'job-id'` signs: a route that uses it is written `…/:job_id…`. */
const JOB_ID_PARAM = 'job_id';

/** How callers of a route sign, and which rate limit it counts against. */
export interface SignedByOptions {
  /** Which message of scheme 2 is accepted for the route, besides scheme 1. */
  readonly legacy: Exclude<LegacyMessage, 'lots'>;
  /**
   * Whether the route needs no signature while LEGACY_UNSIGNED_READS is on. Such a route must handle a caller without
   * key id.
   */
  readonly legacyUnsignedRead?: boolean;
  /** The most bytes of a body, when it may be longer than that of other guarded routes; decoded as well as sent. */
  readonly maxBodyBytes?: number;
  /** The limit per key and minute. */
  readonly limit: RateLimitName | 'none';
}

const SIGNED_BY = Symbol('SIGNED_BY');

/** Puts a route (or all of a controller) behind {@link AuthGuard}; `callerOf(request)` then tells who sent it. */
export function SignedBy(options: SignedByOptions): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(SIGNED_BY, options), UseGuards(AuthGuard));
}

/**
 * Guards every route but the upload: reads a body of at most 64 KiB (unless its route takes more), verifies the signature, counts the request, and
 * leaves the parsed body in `request.body` (undefined when there is none). Query parameters that the route does not
 * know are named in the answer.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly auth: AuthService,
    private readonly limits: RateLimits,
    private readonly gate: UploadGate,
    private readonly work: UnprovenWork,
    @Inject(APP_CONFIG) private readonly config: AppConfig,
  ) {}

  /** @throws ServiceError 415, 413, 400 INVALID_JSON, 401, 403, 429, judged in the order of the contract */
  async canActivate(context: ExecutionContext): Promise<true> {
    const options = this.reflector.getAllAndOverride<SignedByOptions | undefined>(SIGNED_BY, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (options === undefined) throw new Error('a guarded route must say by what it is signed');
    const request = context.switchToHttp().getRequest<Request>();
    const response = context.switchToHttp().getResponse<Response>();
    if (Number(request.headers['content-length'] ?? 0) > 0) requireJson(request);
    const body = new RequestBody(request, options.maxBodyBytes ?? MAX_SMALL_BODY_BYTES);
    const pending = this.auth.precheck({
      method: request.method,
      target: request.originalUrl,
      rawHeaders: request.rawHeaders,
      legacy: options.legacy,
      jobId: jobIdOf(request),
      unsignedRead: options.legacyUnsignedRead === true && this.config.auth.legacyUnsignedReads,
    });
    // Hardly any of these requests has a body, and reading an empty one costs as much as checking the signature.
    const caller = body.isAnnounced
      ? await this.readBody(request, response, body, pending)
      : this.auth.authenticate(pending, { bodySha256Hex: EMPTY_BODY_SHA256 });
    // A connection that has sent a correct signature tells nothing new, unless a proxy sends many clients' requests
    // over it.
    if (caller.scheme !== 'unsigned' && (markProven(request) || this.config.http.trustProxy !== false)) {
      this.gate.vouchFor(request, request.ip);
    }
    if (options.limit !== 'none') {
      // The client's address behind proxies is only worked out for callers who are counted by address.
      const address = caller.scheme === 'unsigned' ? (request.ip ?? '') : '';
      await this.limits.count(options.limit, caller, address, response);
    }
    nameIgnoredParameters(context, request, response);
    attachCaller(request, caller);
    return true;
  }

  /**
   * Receives a body, checks its signature and parses it. For scheme 1 in this order, so that JSON is only parsed for
   * clients that can sign.
   */
  private async readBody(
    request: Request,
    response: Response,
    body: RequestBody,
    pending: PendingAuthentication,
  ): Promise<Caller> {
    const upload = this.gate.enter(request, request.ip);
    upload.taken = true;
    const sent = new SentBody(null, upload);
    try {
      await receiveUpload({ request, response, body, sent, upload });
      const bytes = await this.work.run(upload, () => decodeWhole(body, sent));
      const bodySha256Hex = createHash('sha256').update(bytes).digest('hex');
      if (pending.scheme !== 1) request.body = parseBody(request, bytes);
      const caller = this.auth.authenticate(pending, { bodySha256Hex });
      upload.proven();
      if (pending.scheme === 1) request.body = parseBody(request, bytes);
      return caller;
    } catch (error) {
      upload.endedBy(error);
      throw error;
    } finally {
      await sent.discard();
      upload.release();
    }
  }
}

async function decodeWhole(body: RequestBody, sent: SentBody): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body.decode(sent.chunks(), sent.size)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function jobIdOf(request: Request): string | undefined {
  const value = request.params[JOB_ID_PARAM];
  return typeof value === 'string' ? value : undefined;
}

function parseBody(request: Request, bytes: Buffer): unknown {
  // Many clients send a Content-Type even with an empty body.
  if (bytes.length === 0) return undefined;
  requireJson(request);
  return parseStrictJson(withoutByteOrderMark(bytes), 'The body');
}

function requireJson(request: Request): void {
  if (mediaTypeOf(request) === 'application/json' && isUtf8MediaType(request)) return;
  throw unsupportedMediaType('Send Content-Type: application/json, in UTF-8.');
}

function withoutByteOrderMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
