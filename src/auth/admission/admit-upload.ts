import { Logger } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { answerUpload } from '../../common/answer-upload.js';
import { errorBody } from '../../common/http-error.filter.js';
import { ServiceError } from '../../common/service-error.js';
import type { UploadGate } from '../upload-gate.js';

/** How often it is told how many were refused: a line for each would be a flood of its own. */
const TELL_MS = 10_000;

/**
 * Lets an upload in, or refuses it, before anything else is done for it: with thousands at once, what a refusal costs
 * decides whether others are served meanwhile.
 * @param path - of the uploads
 */
export function admitUploads(
  gate: UploadGate,
  path: string,
): (request: Request, response: Response, next: NextFunction) => void {
  const refused = new RefusedCount();
  return (request, response, next) => {
    if (request.method !== 'POST' || request.path !== path) return next();
    try {
      const upload = gate.enter(request, request.ip);
      // Whatever refuses the request before it is taken in, or a client that hangs up: the place is given back.
      response.once('close', () => {
        if (!upload.taken) upload.release();
      });
    } catch (error) {
      if (!(error instanceof ServiceError)) return next(error);
      refused.add(error.code);
      response.status(error.status).set(error.headers);
      return answerUpload(request, response, JSON.stringify(errorBody(error)));
    }
    next();
  };
}

/** Says now and then how many were refused. */
class RefusedCount {
  private readonly logger = new Logger('UploadGate');
  private counts: Record<string, number> = {};
  private timer: NodeJS.Timeout | undefined;

  add(code: string): void {
    this.counts[code] = (this.counts[code] ?? 0) + 1;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.logger.warn('uploads were refused before they were read', this.counts);
      this.counts = {};
    }, TELL_MS).unref();
  }
}
