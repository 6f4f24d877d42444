import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { signedCallerOf } from '../../auth/caller.js';
import { newId } from '../../common/ids.js';
import { BatchHints } from '../../common/work-hints.js';
import { Database } from '../../database/database.service.js';
import type { JobRecord } from '../../jobs/job-columns.js';
import { JobReader } from '../../jobs/job-reader.js';
import { LotInputStore } from '../../jobs/lot-input-store.js';
import { isTerminal } from '../../jobs/states.js';
import { ReceiverStore } from '../../webhook/receiver-store.js';
import { Repeats } from '../../webhook/repeats.js';
import { Answers, sendAnswer, type Answer } from '../answers.js';
import { RetryCreator } from './retry-creator.js';
import { jobNotFinished } from './retry-refusals.js';
import { checkRetry } from './retry-request.js';

/** POST …/retry from the checked signature to the answer. */
@Injectable()
export class RetryService {
  constructor(
    private readonly database: Database,
    private readonly jobs: JobReader,
    private readonly inputs: LotInputStore,
    private readonly creator: RetryCreator,
    private readonly repeats: Repeats,
    private readonly receivers: ReceiverStore,
    private readonly answers: Answers,
    private readonly hints: BatchHints,
  ) {}

  /** Answers the request. @throws ServiceError for a request that is refused */
  async retry(request: Request, response: Response, jobId: string): Promise<void> {
    const caller = signedCallerOf(request);
    const key = this.repeats.keyOf(request, newId());
    const asked = checkRetry(request.body);
    const job = await this.jobs.find(jobId, caller.keyId);
    if (!isTerminal(job.status)) throw jobNotFinished(job);
    if (asked.dryRun) {
      const body = JSON.stringify(await this.creator.estimate(job, asked));
      sendAnswer(response, { status: 200, headers: {}, body });
      return;
    }
    const repeatOf = await this.creator.create(job, asked, caller, key);
    if (repeatOf === null) this.hints.wake();
    else response.setHeader('Idempotent-Replayed', 'true');
    sendAnswer(response, await this.accepted(repeatOf ?? key.jobId, job));
  }

  /** The retry as it stands, with the receivers of the lots that it has. */
  private async accepted(jobId: string, { keyId, webhookUrl }: JobRecord): Promise<Answer> {
    const ofLots = await this.inputs.webhooksOf(this.database, jobId);
    const addresses = [...new Set([...(webhookUrl === null ? [] : [webhookUrl]), ...ofLots])];
    const failing = await this.receivers.failing(keyId, addresses);
    return this.answers.ofJob(jobId, keyId, { configured: addresses.length > 0, failing });
  }
}
