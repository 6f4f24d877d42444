import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { readerKeyId } from '../auth/caller.js';
import { RateLimits } from '../auth/rate-limits.js';
import { hangUpSignal } from '../common/hang-up-signal.js';
import { preferredWait } from './conditional.js';
import { StatusService } from './status.service.js';

/** Answers a status request: handles conditional and waiting requests around {@link StatusService}. */
@Injectable()
export class StatusResponder {
  constructor(
    private readonly statuses: StatusService,
    private readonly limits: RateLimits,
  ) {}

  async answer(request: Request, response: Response, jobId: string): Promise<void> {
    const status = await this.open(request, response, jobId);
    if (status !== null) sendStatus(response, status.body);
  }

  /**
   * The status, with its headers already set; null when there is nothing to send: for a 304, or when the client
   * disconnected.
   */
  async open(request: Request, response: Response, jobId: string): Promise<{ body: string; ended: boolean } | null> {
    const waitSeconds = preferredWait(request.get('prefer'));
    const answer = await this.statuses.read({
      jobId,
      keyId: readerKeyId(request),
      ifNoneMatch: request.headers['if-none-match'],
      ...(waitSeconds > 0 && { wait: { timeoutMs: waitSeconds * 1000, signal: hangUpSignal(response) } }),
    });
    if (response.destroyed) return null;
    response.setHeader('ETag', answer.etag);
    if (answer.retryAfterSeconds !== null) response.setHeader('Retry-After', String(answer.retryAfterSeconds));
    if (waitSeconds > 0) response.setHeader('Preference-Applied', `wait=${waitSeconds}`);
    if (answer.body !== null) return { body: answer.body, ended: answer.retryAfterSeconds === null };
    await this.limits.refund(response);
    response.statusCode = 304;
    response.end();
    return null;
  }
}

/**
 * Does not use Express's send(), which computes length, type and freshness again and takes a tenth of the request's
 * time.
 */
export function sendStatus(response: Response, body: string): void {
  response.statusCode = 200;
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(body);
}
