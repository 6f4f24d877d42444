import { Inject, Injectable, Logger } from '@nestjs/common';
import { estimateLot } from '../assessment/estimate.js';
import { worstLotUsd } from '../assessment/worst-case.js';
import { Clock } from '../common/clock.js';
import { newId } from '../common/ids.js';
import { ServiceError } from '../common/service-error.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { Database, type Transaction } from '../database/database.service.js';
import { JobGlossaries } from '../glossaries/job-glossaries.js';
import { asksForNotes, type JobOptions } from '../jobs/batch-job.entity.js';
import { JobStore, type NewJob } from '../jobs/job-store.js';
import { PhotoAveragesStore } from '../jobs/photo-averages-store.js';
import { ShardStore } from '../batch/shards/shard-store.js';
import { inProgressOr, RequestKeyStore, type NewRequestKey } from '../jobs/request-key-store.js';
import { SyncJobStore, type SyncLot } from '../jobs/sync-job-store.js';
import { ModelSettings } from '../describe/model-settings.js';
import type { ReceivedRequest } from './request/received-request.js';
import { requestKeyOf } from './request/idempotency.js';
import type { SyncWork } from '../sync/sync-run.js';

/** The warning for a job that may take more rounds, or end with lots that its limit did not allow. */
const BELOW_WORST_CASE = 'max_cost_usd_below_worst_case';

/** The result of an accepted request. */
export type Created =
  | { readonly kind: 'repeat'; readonly jobId: string }
  | { readonly kind: 'batch'; readonly jobId: string }
  | { readonly kind: 'sync'; readonly work: SyncWork };

/** Takes a request in: its key, its job and all its lots in one transaction, or nothing. */
@Injectable()
export class JobCreator {
  private readonly logger = new Logger(JobCreator.name);

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly jobs: JobStore,
    private readonly syncJobs: SyncJobStore,
    private readonly keys: RequestKeyStore,
    private readonly shards: ShardStore,
    private readonly models: ModelSettings,
    private readonly photos: PhotoAveragesStore,
    private readonly glossaries: JobGlossaries,
  ) {}

  /**
   * @throws ServiceError COST_LIMIT_EXCEEDED, TOO_MANY_ACTIVE_JOBS, REQUEST_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED
   */
  async create(request: ReceivedRequest): Promise<Created> {
    const { content, jobId } = request;
    const sync = content.processing === 'sync';
    const wanted = this.withDefaultNotes(content.options);
    const models = this.models.forJob(wanted);
    const estimatedCostUsd = await this.estimate(request, models);
    const warnings = [...content.warnings, ...(this.isBelowWorstCase(request, models) ? [BELOW_WORST_CASE] : [])];
    const token = sync ? newId() : null;
    const job: NewJob = {
      id: jobId,
      keyId: request.caller.keyId,
      secretFingerprint: request.caller.secretFingerprint,
      mode: content.processing,
      languages: content.languages,
      webhookUrl: content.webhookUrl,
      options: {
        ...wanted,
        ...(request.idempotencyKey === null ? {} : { idempotent: true }),
        ...(warnings.length === 0 ? {} : { warnings }),
      },
      metadata: content.metadata,
      ...(await this.glossaries.pin({ id: jobId, keyId: request.caller.keyId, languages: content.languages })),
      totalLots: content.totalLots,
      totalImages: content.totalImages,
      estimatedCostUsd: estimatedCostUsd === null ? null : Math.ceil(estimatedCostUsd * 1e8) / 1e8,
      lease: token === null ? null : { token, seconds: this.config.jobs.leaseSeconds },
    };
    const key = requestKeyOf(request, this.clock.now());
    if (token !== null && content.onlyLot !== null) {
      const { languages, onlyLot: lot } = content;
      const repeatOf = await this.acceptSync(job, lot, key);
      if (repeatOf !== null) return { kind: 'repeat', jobId: repeatOf };
      await this.startGlossaries(languages);
      const work = { jobId, keyId: job.keyId, token, languages, options: job.options, lot };
      return { kind: 'sync', work };
    }
    const repeatOf = await this.commitOnce(request, async (tx) => {
      const first = await this.keys.claim(tx, key);
      if (first !== null) return first;
      await this.refuseTooManyJobs(tx, job.keyId);
      await this.jobs.insert(tx, job);
      await this.insertLots(tx, request);
      return null;
    });
    if (repeatOf !== null) return { kind: 'repeat', jobId: repeatOf };
    await this.startGlossaries(content.languages);
    return { kind: 'batch', jobId };
  }

  /** The job is taken by now: whoever waits for its glossaries asks again for one that was not begun. */
  private async startGlossaries(languages: readonly string[]): Promise<void> {
    try {
      await this.glossaries.start(languages);
    } catch (error) {
      this.logger.warn('missing glossaries could not be begun', { reason: (error as Error).message });
    }
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
    throw inProgressOr({ code: '55P03' });
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

  /** When the answer to COMMIT is lost, the job's row says whether it happened. */
  private async commitOnce(
    { jobId, spool }: ReceivedRequest,
    work: (tx: Transaction) => Promise<string | null>,
  ): Promise<string | null> {
    let finished = false;
    const once = async (tx: Transaction) => {
      const repeatOf = await work(tx);
      finished = true;
      return repeatOf;
    };
    const begun = await spool.begun();
    try {
      if (begun === null) return await this.database.transaction(once);
      const repeatOf = await once(begun.tx);
      // In that case the rows in the transaction belong to no job; it is rolled back with the spool.
      if (repeatOf === null) await begun.commit();
      return repeatOf;
    } catch (error) {
      if (!finished) throw error;
      if (!(await this.jobs.exists(jobId).catch(() => false))) throw error;
      return null;
    }
  }

  private async refuseTooManyJobs(tx: Transaction, keyId: string): Promise<void> {
    const most = this.config.limits.maxActiveJobs;
    if ((await this.jobs.countActive(tx, keyId, most)) < most) return;
    throw new ServiceError('TOO_MANY_ACTIVE_JOBS', `At most ${most} jobs of a key may be unfinished at a time.`, {
      details: { max_active_jobs: most },
      headers: { 'Retry-After': '60' },
    });
  }

  /**
   * When the estimate is within the limit but the worst case is not, the limit is kept by sending fewer lots at a time.
   */
  private isBelowWorstCase({ content }: ReceivedRequest, models: ModelSettings): boolean {
    const most = content.options.max_cost_usd;
    if (most === undefined) return false;
    const others = models.toTranslate(content.languages).length;
    const batch = content.processing === 'batch';
    const photos = content.totalImages / content.totalLots;
    const info = content.totalInfoCharacters / content.totalLots;
    const worst = worstLotUsd(photos, info, others, models.worstCase(batch), batch);
    return worst === null || most < worst * content.totalLots;
  }

  /** USD before anything is sent and before any photo is seen; null when the price of a model is not known. */
  private async estimate({ content, caller }: ReceivedRequest, models: ModelSettings): Promise<number | null> {
    const others = models.toTranslate(content.languages).length;
    const recent = await this.photos.recent(models.photosOf(caller.keyId));
    const settings = models.estimate(content.processing === 'batch', models.expectedPhotoTokens(recent));
    // Linear in lots and photos, so an average lot stands for all.
    const photos = content.totalImages / content.totalLots;
    const perLot = estimateLot(photos, content.totalInfoCharacters / content.totalLots, others, settings);
    const cost =
      perLot.costUsd === null ? null : (perLot.costUsd - perLot.firstUsd) * content.totalLots + perLot.firstUsd;
    const most = content.options.max_cost_usd;
    if (most !== undefined && (cost === null || cost > most)) {
      // Rounded up, so that a client that sends this value as its limit is not refused again.
      const estimated = cost === null ? null : Math.ceil(cost * 1_000_000) / 1_000_000;
      throw new ServiceError(
        'COST_LIMIT_EXCEEDED',
        cost === null
          ? 'The price of a model is not known, so max_cost_usd cannot be kept; nothing was sent.'
          : 'The estimated cost is above max_cost_usd; nothing was sent.',
        { members: { estimated_cost_usd: estimated }, details: { estimated_cost_usd: estimated, max_cost_usd: most } },
      );
    }
    return cost;
  }
}
