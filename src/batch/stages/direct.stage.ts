import { Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Clock } from '../../common/clock.js';
import type { MissingPhoto } from '../../common/missing-photo.js';
import { sideBySide } from '../../common/side-by-side.js';
import { Database } from '../../database/database.service.js';
import type { Budget } from '../../describe/budget.js';
import { LotDescriber, type AssessedLot } from '../../describe/lot-describer.js';
import { LotError } from '../../describe/lot-error.js';
import { LotTexts } from '../../describe/lot-texts.js';
import { ModelSettings } from '../../describe/model-settings.js';
import { JobGlossaries } from '../../glossaries/job-glossaries.js';
import { ModelLotReader } from '../../jobs/model-lot-reader.js';
import { JobStore } from '../../jobs/job-store.js';
import type { UsageRow } from '../../jobs/usage-sum.js';
import type { LotEnd } from '../../jobs/lot-error-code.js';
import { LotStore, type DescribedLot } from '../../jobs/lot-store.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import { isPaused } from '../../jobs/job-pause.js';
import { JobReader } from '../../jobs/job-reader.js';
import { ShardStore, type ShardClaim } from '../shards/shard-store.js';
import { describedStatus, isTerminal } from '../../jobs/states.js';
import type { NewResult } from '../../jobs/new-result.js';
import type { CallLimits } from '../../openai/retry.js';
import { translationTry } from '../shards/tries.js';
import { AwaitedWords, WAITING_FOR_WORDS, WORDS_SECONDS } from '../limits/awaited-words.js';
import { CostGuard } from '../limits/cost-guard.js';
import { Deadlines } from '../limits/deadlines.js';
import { DescribedLots, type LotOutcome } from '../shards/described-lots.js';
import { DirectLots } from './direct-lots.js';
import { DirectNotes } from './direct-notes.js';
import { JobAdvance } from '../shards/job-advance.js';
import { JobEndedError } from '../shards/job-ended.js';
import { LotEnds } from '../shards/lot-ends.js';
import { NotNowError } from '../lines/not-now.js';
import { ResultRows } from '../../jobs/result-rows.js';
import { ShardEnd } from '../shards/shard-end.js';
import { ShardBudget } from '../limits/shard-budget.js';
import { shardLots } from '../shards/shard-lots.js';
import { EVERY_SECOND, ScheduledStage } from './scheduled-stage.js';
import { bisect, isUnforeseen, kindOf } from '../lines/unforeseen.js';
import { TranslationReader } from '../lines/translation-reader.js';
import { UnansweredLots } from './unanswered-lots.js';
import { VisionReader } from '../lines/vision-reader.js';

/** How many lots are read at once. */
const PAGE_LOTS = 100;
/** How many of them are asked for side by side. */
const LOTS_AT_ONCE = 16;
/** The end of a lot whose answer was paid for but cannot be stored: asking again would only cost more. */
const NOT_STORABLE: LotEnd = { code: 'OPENAI_API_ERROR', message: 'What the model answered cannot be stored.' };

/** Asks the Responses API for lots that batches left over, that are too few for one, or that miss BATCH_DEADLINE. */
@Injectable()
export class DirectStage extends ScheduledStage {
  readonly name = 'direct';
  readonly atOnce = 2;
  private readonly logger = new Logger(DirectStage.name);

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly settings: ModelSettings,
    private readonly texts: LotTexts,
    private readonly glossaries: JobGlossaries,
    private readonly words: AwaitedWords,
    private readonly modelLots: ModelLotReader,
    private readonly describer: LotDescriber,
    private readonly lotsToSend: DirectLots,
    private readonly notes: DirectNotes,
    private readonly jobs: JobStore,
    private readonly lots: LotStore,
    private readonly described: DescribedLots,
    private readonly jobReader: JobReader,
    private readonly shards: ShardStore,
    private readonly advance: JobAdvance,
    private readonly end: ShardEnd,
    private readonly deadlines: Deadlines,
    private readonly costs: CostGuard,
    private readonly ends: LotEnds,
    private readonly unanswered: UnansweredLots,
  ) {
    super();
  }

  @Cron(EVERY_SECOND, { name: 'batch-direct', waitForCompletion: true })
  tick(): Promise<void> {
    return this.claimDue();
  }

  claim(limit: number): Promise<ShardClaim[]> {
    return this.shards.claim(['direct'], limit);
  }

  async run(claim: ShardClaim, signal: AbortSignal): Promise<void> {
    // A process that has died held this. The outcome of its calls is unknown, so the amount stays held by the job.
    if (Number(claim.row.reserved_usd) > 0) {
      await this.shards.step(this.database, claim, { reserved_usd: 0, failures: claim.row.failures });
    }
    for (;;) {
      const job = await this.jobReader.forShard(claim.row.job_id);
      if (job === undefined || isTerminal(job.status)) return this.end.abandon(claim);
      if (isPaused(job)) return this.shards.putAside(this.database, claim);
      if (claim.row.stage === 'translation' && (await this.words.isAwaited(job))) {
        return this.shards.letGo(this.database, claim, { reason: WAITING_FOR_WORDS }, WORDS_SECONDS);
      }
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

  /** Each lot that is left ends by itself: it fails, or completes with its English text. */
  async giveUp(claim: ShardClaim): Promise<void> {
    const job = await this.jobReader.forShard(claim.row.job_id);
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

  private async page(claim: ShardClaim, job: ShardJob, positions: readonly number[], signal: AbortSignal) {
    const one =
      claim.row.stage === 'vision'
        ? await this.visionPage(claim, job, positions, signal)
        : await this.notesPage(claim, job, positions, signal);
    if (one === null) return this.lateTexts(claim, job, positions);
    await sideBySide(positions, LOTS_AT_ONCE, async (position) => {
      try {
        signal.throwIfAborted();
        // The rest of the page waits until the job is resumed.
        if (await this.jobReader.isPaused(job.id)) return;
        await one(position);
      } catch (error) {
        if (signal.aborted || error instanceof NotNowError || !isUnforeseen(error)) throw error;
        // The lot alone is at fault: it ends, and the others of the page go on.
        this.tell(claim, position, error);
        if (claim.row.stage === 'translation') await this.lateTexts(claim, job, [position]);
        else await this.ends.end(claim, job, [position]);
      }
    });
  }

  /** Writes the texts that waited for words, without notes. No model is asked. A lot whose texts cannot be kept completes in English. */
  private async lateTexts(claim: ShardClaim, job: ShardJob, positions: readonly number[]): Promise<void> {
    for (const { item, error } of await bisect(positions, (part) => this.ends.end(claim, job, part, 'in_words'))) {
      this.tell(claim, item, error);
      await this.ends.end(claim, job, [item]);
    }
  }

  private async visionPage(claim: ShardClaim, job: ShardJob, positions: readonly number[], signal: AbortSignal) {
    const reader = new VisionReader(
      this.modelLots,
      this.settings,
      this.texts,
      job,
      await this.glossaries.wordsOf(job.id),
    );
    const lots = await reader.load(positions);
    return async (position: number) => {
      const lot = lots.get(position);
      if (lot === undefined) return;
      const limits = { deadlineAt: this.deadlines.lotEnds(job), signal };
      const request = await this.lotsToSend.of(job, lot, signal);
      const budget = this.budget(claim, job, limits, (costs) =>
        costs.expectedTranslation(request.photos.length, request.additionalInfo?.length ?? 0, job, false),
      );
      const since = this.clock.now();
      let assessed: AssessedLot;
      try {
        assessed = await this.describer.assess(request, limits, (usage) => this.count(job, usage), budget);
      } catch (error) {
        if (!(error instanceof LotError)) throw error;
        await this.unanswered.judge(error, claim, position, since, signal);
        const { code, message } = error;
        return this.fail(claim, position, { code, message }, error.missingImages);
      }
      const { answer, seen, missing } = assessed;
      try {
        const described = reader.described(answer, { lotId: lot.lotId, missing }, false);
        if (described.kind === 'failed')
          return await this.fail(claim, position, described.error, missing, described.row);
        const { results, renderedBytes } = described;
        const translating = renderedBytes === 0;
        await this.store(claim, results, {
          position,
          status: describedStatus(translating),
          attempt: translating ? translationTry(claim.row.attempt) : lot.attempt,
          renderedBytes,
          missing,
          seen,
        });
      } catch (error) {
        if (!isUnforeseen(error)) throw error;
        this.tell(claim, position, error);
        await this.fail(claim, position, NOT_STORABLE, missing);
      }
    };
  }

  /** @returns null where the job has no notes */
  private async notesPage(claim: ShardClaim, job: ShardJob, positions: readonly number[], signal: AbortSignal) {
    const words = await this.glossaries.wordsOf(job.id);
    const reader = new TranslationReader(this.modelLots, this.settings, this.texts, job, words);
    if (reader.languages.length === 0) return null;
    const lots = await reader.load(positions);
    return async (position: number) => {
      const lot = lots.get(position);
      if (lot === undefined || lot.notes.length === 0) return this.lateTexts(claim, job, [position]);
      const limits = { deadlineAt: this.deadlines.lotEnds(job), signal };
      const calls = {
        languages: reader.languages,
        limits,
        count: (usage: UsageRow) => this.count(job, usage),
        budget: this.budget(claim, job, limits, () => 0),
      };
      const translated = await this.notes.translate(claim, lot, calls);
      const { results, renderedBytes, assessment } = reader.noted(lot, translated);
      const done = { position, status: 'completed', attempt: lot.attempt, renderedBytes, missing: null } as const;
      await this.store(claim, results, done, assessment);
    };
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

  /** Commits paid answers one by one: if the process dies, only the calls in flight are paid for twice. */
  private async store(
    claim: ShardClaim,
    results: readonly NewResult[],
    lot: DescribedLot,
    assessment?: unknown,
  ): Promise<void> {
    const rows = new ResultRows(claim.row.job_id, this.clock.date().toISOString());
    const range = rows.add(lot.position, results);
    const late = assessment === undefined ? {} : { assessment };
    const outcome = { kind: 'described', rows: range, lot, ...late } as const;
    await this.write(claim, rows, [{ position: lot.position, attempt: claim.row.attempt, outcome }]);
  }

  /** @param row - keeps an answer of which nothing is published */
  private async fail(
    claim: ShardClaim,
    position: number,
    error: LotEnd,
    missingImages: readonly MissingPhoto[],
    row?: NewResult,
  ) {
    const rows = new ResultRows(claim.row.job_id, this.clock.date().toISOString());
    const kept = row === undefined ? {} : { rows: rows.add(position, [row]) };
    const failed = { kind: 'failed', lot: { position, error, missingImages }, ...kept } as const;
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
}
