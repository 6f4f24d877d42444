import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { signedCallerOf } from '../../auth/caller.js';
import { hangUpSignal } from '../../common/hang-up-signal.js';
import { AllowList } from '../../outbound/address-rules.js';
import type { PhotoCheckAnswerDto } from './photo-check.dto.js';
import { photosToCheck } from './photo-check-request.js';
import { PhotoChecks } from './photo-checks.js';

/** Answers POST photo-check, and stops the work when its client is gone. */
@Injectable()
export class PhotoCheckResponder {
  constructor(
    private readonly allow: AllowList,
    private readonly checks: PhotoChecks,
  ) {}

  /** @throws ServiceError for a request that is refused */
  async answer(request: Request, response: Response): Promise<void> {
    const urls = photosToCheck(request.body, this.allow);
    const gone = hangUpSignal(response);
    try {
      const answer: PhotoCheckAnswerDto = {
        photos: await this.checks.check(signedCallerOf(request).keyId, urls, gone),
      };
      response.json(answer);
    } catch (error) {
      if (!gone.aborted) throw error;
    }
  }
}
