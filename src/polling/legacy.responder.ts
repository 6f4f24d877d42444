import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { readerKeyId } from '../auth/caller.js';
import { ResultsService } from './results.service.js';
import { sendResults } from './send-results.js';
import { sendStatus, StatusResponder } from './status.responder.js';

/** Answers the older service's address of a job: a status while it runs, with its lots once it has ended. */
@Injectable()
export class LegacyResponder {
  constructor(
    private readonly statuses: StatusResponder,
    private readonly results: ResultsService,
  ) {}

  async answer(request: Request, response: Response, jobId: string): Promise<void> {
    const status = await this.statuses.open(request, response, jobId);
    if (status === null) return;
    if (!status.ended) sendStatus(response, status.body);
    else await sendResults(request, response, await this.results.openLegacy(jobId, readerKeyId(request), status.body));
  }
}
