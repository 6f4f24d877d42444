import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { noteOnRequest } from '../common/spans.js';
import { BatchHints } from '../common/work-hints.js';
import { ReceiverStore } from '../webhook/receiver-store.js';
import { Answers, sendAnswer } from './answers.js';
import { RequestIntake } from './intake/request-intake.js';
import type { ReceivedRequest } from './request/received-request.js';
import { JobCreator, type Created } from './job-creator.js';
import { SyncRequests } from '../sync/sync-requests.js';

/**
 * How often a request is tried again because it found a job that was being cancelled; a second time hardly ever
 * happens.
 */
const MOST_ROUNDS = 5;

/** POST generate-descriptions from the first byte to the answer. */
@Injectable()
export class GenerationService {
  constructor(
    private readonly intake: RequestIntake,
    private readonly creator: JobCreator,
    private readonly syncRequests: SyncRequests,
    private readonly answers: Answers,
    private readonly hints: BatchHints,
    private readonly receivers: ReceiverStore,
  ) {}

  /** Answers the request. @throws ServiceError for a request that is refused */
  async generate(request: Request, response: Response): Promise<void> {
    const received = await this.intake.read(request, response);
    try {
      await this.answer(received, response);
    } finally {
      await received.spool.discard();
    }
  }

  private async answer(received: ReceivedRequest, response: Response): Promise<void> {
    const { keyId } = received.caller;
    const created = await this.create(received);
    noteOnRequest({ 'job.id': created.kind === 'sync' ? created.work.jobId : created.jobId });
    if (created.kind === 'sync') {
      const waited = await this.syncRequests.wait(created.work, response, received.receivedAt);
      if (waited.kind === 'failed') throw waited.error;
      if (waited.kind === 'hung_up') return;
      const answer =
        waited.kind === 'completed' && waited.lot !== null
          ? this.answers.ofCompleted(waited.job, waited.lot)
          : await this.answers.ofJob(created.work.jobId, keyId);
      sendAnswer(response, answer);
      return;
    }
    const addresses = [...received.content.webhooks];
    const failing = await this.receivers.failing(keyId, addresses);
    const answer = await this.answers.ofJob(created.jobId, keyId, { configured: addresses.length > 0, failing });
    if (created.kind === 'repeat') response.setHeader('Idempotent-Replayed', 'true');
    else this.hints.wake();
    sendAnswer(response, answer);
  }

  /**
   * A cancelled job is not remembered. A repeat that found a job just being cancelled, because its client had
   * disconnected, starts a new job.
   */
  private async create(received: ReceivedRequest): Promise<Created> {
    for (let round = 1; ; round++) {
      const created = await this.creator.create(received);
      if (created.kind !== 'repeat' || (await this.syncRequests.promise(created.jobId)) || round === MOST_ROUNDS) {
        return created;
      }
    }
  }
}
