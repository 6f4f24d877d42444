import { Injectable } from '@nestjs/common';
import type { SignedCaller } from '../../auth/caller.js';
import { ShardStore } from '../../batch/shards/shard-store.js';
import { Database, type Sql, type Transaction } from '../../database/database.service.js';
import { ModelSettings } from '../../describe/model-settings.js';
import { JobGlossaries } from '../../glossaries/job-glossaries.js';
import { KeyedLimiter } from '../../images/keyed-limiter.js';
import type { JobOptions } from '../../jobs/batch-job.entity.js';
import type { JobRecord } from '../../jobs/job-columns.js';
import { JobReader } from '../../jobs/job-reader.js';
import { JobStore } from '../../jobs/job-store.js';
import { LotResultReader } from '../../jobs/lot-result-reader.js';
import { RequestKeyStore, type NewRequestKey } from '../../jobs/request-key-store.js';
import { RetryStore, type ChosenLots, type RetryChoice, type RetrySource } from '../../jobs/retry-store.js';
import { unknownLots } from '../../jobs/unknown-lots.js';
import { commitOnce } from '../commit-once.js';
import {
  BELOW_WORST_CASE,
  isAboveLimit,
  JobLimits,
  refuseAboveLimit,
  roundedUsd,
  type JobSize,
} from '../job-limits.js';
import type { DryRunDto } from './retry.dto.js';
import { leftOut, nothingToRetry } from './retry-refusals.js';
import type { RetryRequest } from './retry-request.js';

/** The warning of a dry run whose estimate is above the job's limit. */
const ABOVE_LIMIT = 'estimate_above_max_cost_usd';

/** Retries that this process makes at a time. Each takes seconds for 50,000 lots, and other requests need connections too. */
const AT_ONCE = 4;

/** Makes jobs of the failed lots of an ended job: the claim on the lots, the job and its lots in one transaction, or nothing. */
@Injectable()
export class RetryCreator {
  /** One of a root at a time: who waits for its lock in the database keeps a connection, and nobody else would be served. */
  private readonly turns = new KeyedLimiter(AT_ONCE, () => 1);

  constructor(
    private readonly database: Database,
    private readonly jobs: JobStore,
    private readonly reader: JobReader,
    private readonly keys: RequestKeyStore,
    private readonly lots: LotResultReader,
    private readonly retries: RetryStore,
    private readonly shards: ShardStore,
    private readonly models: ModelSettings,
    private readonly limits: JobLimits,
    private readonly glossaries: JobGlossaries,
  ) {}

  /** What {@link create} would make now. @throws ServiceError LOT_NOT_FOUND, NOTHING_TO_RETRY */
  async estimate(job: JobRecord, { choice, warnings }: RetryRequest): Promise<DryRunDto> {
    await this.refuseUnknownLots(job, choice);
    const source = await this.sourceOf(job);
    const found = await this.retries.find(source, choice);
    if (found.lots === 0) throw await this.nothing(this.database, source, choice, found);
    const cost = this.costOf(job, found, await this.limits.expectedPhotoTokens(job.keyId));
    return {
      lots: found.lots,
      estimated_cost_usd: roundedUsd(cost),
      warnings: [...warnings, ...leftOut(choice, found), ...(isAboveLimit(cost, job.options) ? [ABOVE_LIMIT] : [])],
    };
  }

  /**
   * @param job - has ended
   * @param key - by which the request is known again; its job is the one to make
   * @returns the id of the job that the request repeats, or null when it has made one
   * @throws ServiceError LOT_NOT_FOUND, JOB_NOT_FOUND, NOTHING_TO_RETRY, COST_LIMIT_EXCEEDED, TOO_MANY_ACTIVE_JOBS,
   *   REQUEST_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED
   */
  async create(
    job: JobRecord,
    request: RetryRequest,
    caller: Pick<SignedCaller, 'secretFingerprint'>,
    key: NewRequestKey,
  ): Promise<string | null> {
    await this.refuseUnknownLots(job, request.choice);
    const source = await this.sourceOf(job);
    const photoTokens = await this.limits.expectedPhotoTokens(job.keyId);
    const glossaries = await this.glossaries.pinLike(key.jobId, job);
    const accept = async (tx: Transaction) => {
      const first = await this.keys.claim(tx, key);
      if (first !== null) return first;
      await this.limits.refuseTooManyJobs(tx, job.keyId);
      // Until the lots are copied, retention must not remove them.
      await this.reader.hold(tx, job);
      await this.retries.lockRoot(tx, source.rootId);
      const found = await this.retries.take(tx, source, request.choice, key.jobId);
      if (found.lots === 0) throw await this.nothing(tx, source, request.choice, found);
      const cost = this.costOf(job, found, photoTokens);
      refuseAboveLimit(cost, job.options);
      const warnings = [
        ...request.warnings,
        ...leftOut(request.choice, found),
        ...(this.limits.isBelowWorstCase(sizeOf(job, found)) ? [BELOW_WORST_CASE] : []),
      ];
      await this.jobs.insert(tx, {
        id: key.jobId,
        keyId: job.keyId,
        secretFingerprint: caller.secretFingerprint,
        mode: 'batch',
        languages: job.languages,
        webhookUrl: job.webhookUrl,
        lotWebhooks: found.webhooks,
        options: { ...copiedOptions(job.options), ...(warnings.length === 0 ? {} : { warnings }) },
        metadata: job.metadata,
        ...glossaries,
        retryOf: job.id,
        totalLots: found.lots,
        totalImages: found.images,
        estimatedCostUsd: roundedUsd(cost),
        lease: null,
      });
      await this.retries.copy(tx, source, key.jobId);
      await this.shards.plan(tx, {
        jobId: key.jobId,
        keyId: job.keyId,
        totalLots: found.lots,
        visionModel: this.models.vision.model,
      });
      return null;
    };
    const repeatOf = await this.turns.run(source.rootId, undefined, () =>
      commitOnce(this.jobs, key.jobId, accept, (once) => this.database.transaction(once)),
    );
    if (repeatOf === null) await this.glossaries.startOrLog(job.languages);
    return repeatOf;
  }

  private async sourceOf({ id, status }: JobRecord): Promise<RetrySource> {
    return { id, status, rootId: await this.retries.rootOf(id) };
  }

  /** One lot that is not there may be a slip of the pen for another one, so nothing is taken then. */
  private async refuseUnknownLots(job: JobRecord, { lotIds }: RetryChoice): Promise<void> {
    if (lotIds === null) return;
    const positions = await this.lots.positions(job, lotIds);
    const unknown = lotIds.filter((lotId) => !positions.has(lotId));
    if (unknown.length > 0) throw unknownLots(unknown);
  }

  private async nothing(sql: Sql, source: RetrySource, choice: RetryChoice, found: ChosenLots): Promise<Error> {
    return nothingToRetry(choice, found, await this.retries.codesOf(sql, source));
  }

  private costOf(job: JobRecord, found: ChosenLots, expectedPhotoTokens: number): number | null {
    const unknown = Math.max(0, found.images - found.known.photos);
    const tokens = found.known.tokens + unknown * expectedPhotoTokens;
    return this.limits.estimate(sizeOf(job, found), found.images === 0 ? 0 : tokens / found.images);
  }
}

function sizeOf({ languages, options }: JobRecord, { lots, images, infoCharacters }: ChosenLots): JobSize {
  return {
    mode: 'batch',
    languages,
    options,
    totalLots: lots,
    totalImages: images,
    totalInfoCharacters: infoCharacters,
  };
}

/** What the client wanted of the job. How the first request was sent, and what was said about it, is not copied. */
function copiedOptions({ idempotent: _idempotent, warnings: _warnings, ...wanted }: JobOptions): JobOptions {
  return wanted;
}
