import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { newId } from '../common/ids.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { Database, type Transaction } from '../database/database.service.js';
import { JobGlossaries } from '../glossaries/job-glossaries.js';
import { asksForNotes, type JobOptions } from '../jobs/batch-job.entity.js';
import { JobStore, type NewJob } from '../jobs/job-store.js';
import { ShardStore } from '../batch/shards/shard-store.js';
import { inProgressOr, requestInProgress, RequestKeyStore, type NewRequestKey } from '../jobs/request-key-store.js';
import { SyncJobStore } from '../jobs/sync-job-store.js';
import type { SyncLot } from '../jobs/sync-job.js';
import { ModelSettings } from '../describe/model-settings.js';
import { commitOnce } from './commit-once.js';
import { BELOW_WORST_CASE, JobLimits, refuseAboveLimit, roundedUsd } from './job-limits.js';
import type { ReceivedRequest } from './request/received-request.js';
import { requestKeyOf } from './request/idempotency.js';
import type { SyncWork } from '../sync/sync-run.js';

/** The result of an accepted request. */
export type Created =
  | { readonly kind: 'repeat'; readonly jobId: string }
  | { readonly kind: 'batch'; readonly jobId: string }
  | { readonly kind: 'sync'; readonly work: SyncWork };

/** Takes a request in: its key, its job and all its lots in one transaction, or nothing. */
@Injectable()
export class JobCreator {
  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly jobs: JobStore,
    private readonly syncJobs: SyncJobStore,
    private readonly keys: RequestKeyStore,
    private readonly shards: ShardStore,
    private readonly models: ModelSettings,
    private readonly limits: JobLimits,
    private readonly glossaries: JobGlossaries,
  ) {}

  /**
   * @throws ServiceError COST_LIMIT_EXCEEDED, TOO_MANY_ACTIVE_JOBS, REQUEST_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED
   */
  async create(request: ReceivedRequest): Promise<Created> {
    const { content, jobId } = request;
    const sync = content.processing === 'sync';
    const wanted = this.withDefaultNotes(content.options);
    const size = { ...content, mode: content.processing, options: wanted };
    const estimatedCostUsd = this.limits.estimate(size, await this.limits.expectedPhotoTokens(request.caller.keyId));
    refuseAboveLimit(estimatedCostUsd, wanted);
    const warnings = [...content.warnings, ...(this.limits.isBelowWorstCase(size) ? [BELOW_WORST_CASE] : [])];
    const token = sync ? newId() : null;
    const job: NewJob = {
      id: jobId,
      keyId: request.caller.keyId,
      secretFingerprint: request.caller.secretFingerprint,
      mode: content.processing,
      languages: content.languages,
      webhookUrl: content.webhookUrl,
      lotWebhooks: content.lotWebhooks,
      options: {
        ...wanted,
        ...(request.idempotencyKey === null ? {} : { idempotent: true }),
        ...(warnings.length === 0 ? {} : { warnings }),
      },
      metadata: content.metadata,
      retryOf: null,
      ...(await this.glossaries.pin({ id: jobId, keyId: request.caller.keyId, languages: content.languages })),
      totalLots: content.totalLots,
      totalImages: content.totalImages,
      estimatedCostUsd: roundedUsd(estimatedCostUsd),
      lease: token === null ? null : { token, seconds: this.config.jobs.leaseSeconds },
    };
    const key = requestKeyOf(request, this.clock.now());
    if (token !== null && content.onlyLot !== null) {
      const { languages, onlyLot: lot } = content;
      const repeatOf = await this.acceptSync(job, lot, key);
      if (repeatOf !== null) return { kind: 'repeat', jobId: repeatOf };
      await this.glossaries.startOrLog(languages);
      const work = { jobId, keyId: job.keyId, token, languages, options: job.options, lot };
      return { kind: 'sync', work };
    }
    const repeatOf = await this.commitOnce(request, async (tx) => {
      const first = await this.keys.claim(tx, key);
      if (first !== null) return first;
      await this.limits.refuseTooManyJobs(tx, job.keyId);
      await this.jobs.insert(tx, job);
      await this.insertLots(tx, request);
      return null;
    });
    if (repeatOf !== null) return { kind: 'repeat', jobId: repeatOf };
    await this.glossaries.startOrLog(content.languages);
    return { kind: 'batch', jobId };
  }

  /** Written down with the job: a changed setting changes no job that is there. */
  private withDefaultNotes(options: JobOptions): JobOptions {
    if (!this.config.notes || asksForNotes(options)) return options;
    return { ...options, include: [...(options.include ?? []), 'notes'] };
  }

  /** @returns the job that the request repeats, or null when it is new */
  private async acceptSync(job: NewJob, lot: SyncLot, key: NewRequestKey): Promise<string | null> {
    // A key that disappears between the two statements was freed by a failed job; the second round takes it.
    for (let round = 0; round < 3; round++) {
      try {
        if (await this.syncJobs.accept(job, lot, key)) return null;
      } catch (error) {
        throw inProgressOr(error);
      }
      const first = await this.keys.find(this.database, key);
      if (first !== null) return first;
    }
    throw requestInProgress();
  }

  private async insertLots(tx: Transaction, request: ReceivedRequest): Promise<void> {
    await request.spool.copyInto(tx);
    await this.shards.plan(tx, {
      jobId: request.jobId,
      keyId: request.caller.keyId,
      totalLots: request.content.totalLots,
      visionModel: this.models.vision.model,
    });
  }

  /** Some rows of a large request are in a transaction already. */
  private commitOnce({ jobId, spool }: ReceivedRequest, accept: (tx: Transaction) => Promise<string | null>) {
    return commitOnce(this.jobs, jobId, accept, async (once) => {
      const begun = await spool.begun();
      if (begun === null) return this.database.transaction(once);
      const repeatOf = await once(begun.tx);
      // In that case the rows in the transaction belong to no job; it is rolled back with the spool.
      if (repeatOf === null) await begun.commit();
      return repeatOf;
    });
  }
}
