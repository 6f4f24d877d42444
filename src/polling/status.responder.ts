import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { RateLimits } from '../auth/rate-limit.js';
import { preferredWait } from './conditional.js';
import { hangUpSignal, readerKeyId } from './http.js';
import { StatusService } from './status.service.js';

/** Answers a status request: the conditional and waiting kinds of HTTP around {@link StatusService}. */
@Injectable()
export class StatusResponder {
  constructor(
    private readonly statuses: StatusService,
    private readonly limits: RateLimits,
  ) {}

  async answer(request: Request, response: Response, jobId: string): Promise<void> {
    const waitSeconds = preferredWait(request.get('prefer'));
    const answer = await this.statuses.read({
      jobId,
      keyId: readerKeyId(request),
      ifNoneMatch: request.headers['if-none-match'],
      ...(waitSeconds > 0 && { wait: { timeoutMs: waitSeconds * 1000, signal: hangUpSignal(response) } }),
    });
    if (response.destroyed) return;
    response.setHeader('ETag', answer.etag);
    if (answer.retryAfterSeconds !== null) response.setHeader('Retry-After', String(answer.retryAfterSeconds));
    if (waitSeconds > 0) response.setHeader('Preference-Applied', `wait=${waitSeconds}`);
    if (answer.body === null) {
      await this.limits.refund(response);
      response.statusCode = 304;
      response.end();
      return;
    }
    // Not Express's send(), which works out length, type and freshness anew: a tenth of the request's time.
    response.statusCode = 200;
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.setHeader('Content-Length', Buffer.byteLength(answer.body));
    response.end(answer.body);
  }
}
