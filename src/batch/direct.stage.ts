import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { MissingPhoto } from '../common/missing-photo.js';
import { Database } from '../database/database.service.js';
import type { Budget } from '../generation/describe/budget.js';
import { LotDescriber, TranslationError } from '../generation/describe/lot-describer.js';
import { LotError } from '../generation/describe/lot-error.js';
import { ModelSettings } from '../generation/describe/model-settings.js';
import type { StoredError } from '../jobs/batch-job.entity.js';
import { JobStore, type UsageRow } from '../jobs/job-store.js';
import { ShardLotStore, type DescribedLot } from '../jobs/shard-lot-store.js';
import { ShardStore, type ShardClaim, type ShardJob } from '../jobs/shard-store.js';
import { isTerminal } from '../jobs/states.js';
import type { NewResult } from '../jobs/new-result.js';
import type { CallLimits } from '../openai/retry.js';
import { translationAttempt } from './attempts.js';
import { CostGuard } from './cost-guard.js';
import { Deadlines } from './deadlines.js';
import { DescribedLots, type LotOutcome } from './described-lots.js';
import { DirectPhotos } from './direct-photos.js';
import { JobAdvance } from './job-advance.js';
import { JobEndedError } from './job-ended.js';
import type { LineOutcome } from './line-outcome.js';
import { LotEnds } from './lot-ends.js';
import { NotNowError, throwIfNotNow } from './not-now.js';
import { ResultRows } from './result-rows.js';
import { ShardEnd } from './shard-end.js';
import { ShardBudget } from './shard-budget.js';
import { shardLots } from './shard-lots.js';
import type { Stage } from './stage.js';
import { bisect, isUnforeseen, kindOf } from './unforeseen.js';
import { TranslationReader, type TranslationLineLot } from './translation-reader.js';
import { VisionReader, type VisionLineLot } from './vision-reader.js';

/** Lots read at once, and those of them that are asked for side by side. */
const PAGE_LOTS = 100;
const LOTS_AT_ONCE = 16;
/** How long one lot may take, all its tries included. */
const LOT_MS = 10 * 60_000;
/** How a lot ends whose answer was paid for and cannot be kept: to ask again would only be paid for again. */
const NOT_STORABLE = { code: 'OPENAI_API_ERROR', message: 'What the model answered cannot be stored.' };

/** Asks for lots through the Responses API: what two batches left over, what is too few for one, and all that misses BATCH_DEADLINE. */
@Injectable()
export class DirectStage implements Stage {
  readonly name = 'direct';
  readonly atOnce = 2;
  private readonly logger = new Logger(DirectStage.name);

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly settings: ModelSettings,
    private readonly describer: LotDescriber,
    private readonly photos: DirectPhotos,
    private readonly jobs: JobStore,
    private readonly lots: ShardLotStore,
    private readonly described: DescribedLots,
    private readonly shards: ShardStore,
    private readonly advance: JobAdvance,
    private readonly end: ShardEnd,
    private readonly deadlines: Deadlines,
    private readonly costs: CostGuard,
    private readonly ends: LotEnds,
  ) {}

  claim(limit: number): Promise<ShardClaim[]> {
    return this.shards.claim(['direct'], limit);
  }

  async run(claim: ShardClaim, signal: AbortSignal): Promise<void> {
    // Held by a process that is gone: what became of its calls nobody knows, so it stays held by the job.
    if (Number(claim.row.reserved_usd) > 0) {
      const { failures } = claim.row;
      await this.shards.step(this.database, claim, { reserved_usd: 0, failures });
    }
    for (;;) {
      const job = await this.shards.job(this.database, claim.row.job_id);
      if (job === undefined || isTerminal(job.status)) return this.end.abandon(claim);
      const positions = await this.database.transaction((tx) => this.lots.lockLeft(tx, shardLots(claim.row)));
      if (positions.length === 0) return this.end.finish(claim, job);
      try {
        await this.page(claim, job, positions.slice(0, PAGE_LOTS), signal);
      } catch (error) {
        if (error instanceof JobEndedError) return this.end.abandon(claim);
        if (!(error instanceof NotNowError)) throw error;
        return this.shards.letGo(this.database, claim, { reason: error.message }, error.seconds);
      }
    }
  }

  /** Each lot that is left fails, or completes with its English, by itself. */
  async giveUp(claim: ShardClaim): Promise<void> {
    const job = await this.shards.job(this.database, claim.row.job_id);
    if (job === undefined || isTerminal(job.status)) return this.end.abandon(claim);
    const positions = await this.database.transaction((tx) => this.lots.lockLeft(tx, shardLots(claim.row)));
    try {
      await bisect(positions, (part) => this.ends.end(claim, job, part));
    } catch (error) {
      if (error instanceof JobEndedError) return this.end.abandon(claim);
      throw error;
    }
    await this.end.finish(claim, job);
  }

  private async page(
    claim: ShardClaim,
    job: ShardJob,
    positions: readonly number[],
    signal: AbortSignal,
  ): Promise<void> {
    const one =
      claim.row.stage === 'vision'
        ? await this.visionPage(claim, job, positions, signal)
        : await this.translationPage(claim, job, positions, signal);
    const waiting = [...positions].reverse();
    let failure: unknown;
    const worker = async () => {
      for (let position = waiting.pop(); position !== undefined && failure === undefined; position = waiting.pop()) {
        try {
          signal.throwIfAborted();
          await one(position);
        } catch (error) {
          failure ??= await this.afterError(claim, job, position, error, signal);
        }
      }
    };
    await Promise.all(Array.from({ length: LOTS_AT_ONCE }, worker));
    if (failure !== undefined) throw failure;
  }

  /** @returns what stops the whole page; nothing when the lot alone is at fault, which ends with it */
  private async afterError(claim: ShardClaim, job: ShardJob, position: number, error: unknown, signal: AbortSignal) {
    if (signal.aborted || error instanceof NotNowError || !isUnforeseen(error)) return error;
    this.tell(claim, position, error);
    try {
      await this.ends.end(claim, job, [position]);
      return undefined;
    } catch (failure) {
      return failure;
    }
  }

  private async visionPage(claim: ShardClaim, job: ShardJob, positions: readonly number[], signal: AbortSignal) {
    const reader = new VisionReader(this.database, this.settings, this.describer, job);
    const lots = await reader.load(positions);
    return async (position: number) => {
      const lot = lots.get(position);
      if (lot === undefined) return;
      const infos = await this.database.query<{ additional_info: string | null }>(
        'select additional_info from batch_lot_inputs where job_id = $1 and position = $2',
        [job.id, position],
      );
      const limits = this.limits(job, signal);
      const request = { additionalInfo: infos[0]?.additional_info ?? null, ...(await this.photos.toSend(lot, signal)) };
      const budget = this.budget(claim, job, limits, (costs) =>
        costs.expectedTranslation(request.photos.length, request.additionalInfo?.length ?? 0, job.languages, false),
      );
      let english: Awaited<ReturnType<LotDescriber['assess']>>;
      try {
        english = await this.describer.assess(request, limits, (usage) => this.count(job, usage), budget);
      } catch (error) {
        if (!(error instanceof LotError)) throw error;
        throwIfNotNow(error);
        const { code, message } = error;
        return this.fail(claim, lot, { code, message }, error.missingImages);
      }
      const { seen, missing } = english;
      try {
        const { results, renderedBytes } = reader.described(english, { lotId: lot.lotId, missing });
        const translating = renderedBytes === 0;
        await this.store(claim, results, {
          position,
          status: translating ? 'translating' : 'completed',
          attempt: translating ? translationAttempt(claim.row.attempt) : lot.attempt,
          renderedBytes,
          missing,
          seen,
        });
      } catch (error) {
        if (!isUnforeseen(error)) throw error;
        this.tell(claim, position, error);
        await this.fail(claim, lot, NOT_STORABLE, missing);
      }
    };
  }

  private async translationPage(claim: ShardClaim, job: ShardJob, positions: readonly number[], signal: AbortSignal) {
    const reader = new TranslationReader(this.database, this.settings, job);
    const lots = await reader.load(positions);
    return async (position: number) => {
      const lot = lots.get(position);
      if (lot === undefined) return;
      const rows = new Map<string, NewResult>();
      await this.translate(claim, job, reader.languages, lot, rows, signal);
      const complete = ({ results, renderedBytes }: LineOutcome & { kind: 'described' }) =>
        this.store(claim, results, {
          position,
          status: 'completed',
          attempt: lot.attempt,
          renderedBytes,
          missing: null,
        });
      try {
        await complete(reader.described(rows, lot));
      } catch (error) {
        if (!isUnforeseen(error)) throw error;
        this.tell(claim, position, error);
        await complete(reader.fallback(lot));
      }
    };
  }

  /** Language by language, side by side; one that fails falls back to English. */
  private async translate(
    claim: ShardClaim,
    job: ShardJob,
    languages: readonly string[],
    lot: TranslationLineLot,
    rows: Map<string, NewResult>,
    signal: AbortSignal,
  ): Promise<void> {
    const source = { strings: lot.text, assessment: null, model: lot.model };
    const limits = this.limits(job, signal);
    const budget = this.budget(claim, job, limits, () => 0);
    const one = async (language: string) => {
      try {
        const count = (usage: UsageRow) => this.count(job, usage);
        rows.set(language, await this.describer.translate(source, language, limits, count, budget));
      } catch (error) {
        // What is there already was paid for: the lot does not come back for the rest.
        if (error instanceof LotError) {
          if (rows.size === 0) throwIfNotNow(error);
        } else if (!(error instanceof TranslationError)) throw error;
        this.logger.warn('a translation failed; the English text stands in', { job_id: job.id, language });
      }
    };
    if (budget === undefined) await Promise.all(languages.map(one));
    // One after another under a limit: the first may have to give way, and none may be paid for by then.
    else for (const language of languages) await one(language);
  }

  private budget(
    claim: ShardClaim,
    job: ShardJob,
    limits: CallLimits,
    laterUsd: (costs: CostGuard) => number,
  ): Budget | undefined {
    if (job.options.max_cost_usd === undefined) return undefined;
    return new ShardBudget(this.costs, this.clock, claim, job, limits, laterUsd(this.costs));
  }

  private tell(claim: ShardClaim, position: number, error: unknown): void {
    const { job_id, stage } = claim.row;
    this.logger.error('an answer cannot be kept', { job_id, stage, position, reason: kindOf(error) });
  }

  /** Paid answers are committed one by one, so that a process that dies pays for none twice but those in flight. */
  private async store(claim: ShardClaim, results: readonly NewResult[], lot: DescribedLot): Promise<void> {
    const rows = new ResultRows(claim.row.job_id, this.clock.date().toISOString());
    const range = rows.add(lot.position, results);
    const outcome = { kind: 'described', rows: range, lot } as const;
    await this.write(claim, rows, [{ position: lot.position, attempt: claim.row.attempt, outcome }]);
  }

  private async fail(
    claim: ShardClaim,
    lot: VisionLineLot,
    error: StoredError,
    missingImages: readonly MissingPhoto[],
  ): Promise<void> {
    const { position } = lot;
    const rows = new ResultRows(claim.row.job_id, '');
    const failed = { kind: 'failed', lot: { position, error, missingImages } } as const;
    await this.write(claim, rows, [{ position, attempt: claim.row.attempt, outcome: failed }]);
  }

  private async write(claim: ShardClaim, rows: ResultRows, outcomes: readonly LotOutcome[]): Promise<void> {
    await this.advance.commit(claim.row.job_id, async (tx) => {
      const moves = await this.described.write(tx, claim.row.job_id, claim.row.stage, outcomes, rows);
      await this.shards.fence(tx, claim);
      return moves;
    });
  }

  private async count(job: ShardJob, usage: UsageRow): Promise<void> {
    await this.database.transaction((tx) => this.jobs.addUsage(tx, job.id, [usage]));
  }

  private limits(job: ShardJob, signal: AbortSignal) {
    return { deadlineAt: Math.min(this.clock.now() + LOT_MS, this.deadlines.lastCallEnds(job)), signal };
  }
}
