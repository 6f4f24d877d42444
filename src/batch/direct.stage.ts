import { Injectable, Logger } from '@nestjs/common';
import { estimateLot } from '../assessment/estimate.js';
import { Clock } from '../common/clock.js';
import type { MissingPhoto } from '../common/missing-photo.js';
import { Database } from '../database/database.service.js';
import { LotDescriber, TranslationError } from '../generation/describe/lot-describer.js';
import { LotError } from '../generation/describe/lot-error.js';
import { ModelSettings } from '../generation/describe/model-settings.js';
import type { StoredError } from '../jobs/batch-job.entity.js';
import { JobStore, type UsageRow } from '../jobs/job-store.js';
import { ShardLotStore, type DescribedLot } from '../jobs/shard-lot-store.js';
import { ShardStore, type ShardClaim, type ShardJob } from '../jobs/shard-store.js';
import { isTerminal } from '../jobs/states.js';
import type { NewResult } from '../jobs/new-result.js';
import { OpenAiError } from '../openai/errors.js';
import { translationAttempt } from './attempts.js';
import { Deadlines } from './deadlines.js';
import { DescribedLots, type LotOutcome } from './described-lots.js';
import { JobAdvance, JobEndedError } from './job-advance.js';
import { DirectPhotos } from './direct-photos.js';
import { ResultRows } from './result-rows.js';
import { ShardEnd } from './shard-end.js';
import { shardLots } from './shard-lots.js';
import type { Stage } from './stage.js';
import { TranslationReader, type TranslationLineLot } from './translation-reader.js';
import { photosOf, VisionReader, type VisionLineLot } from './vision-reader.js';

/** Lots read at once, and those of them that are asked for side by side. */
const PAGE_LOTS = 100;
const LOTS_AT_ONCE = 16;
/** How long one lot may take, all its tries included. */
const LOT_MS = 10 * 60_000;
/** What the whole account or service lacks is waited for; no lot fails for it. */
const REST_SECONDS = 30;

/** Not this lot's fault: OpenAI takes nothing from us just now. */
class NotNowError extends Error {}

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
  ) {}

  claim(limit: number): Promise<ShardClaim[]> {
    return this.shards.claim(['direct'], limit);
  }

  async run(claim: ShardClaim, signal: AbortSignal): Promise<void> {
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
        return this.shards.letGo(this.database, claim, { reason: error.message }, REST_SECONDS);
      }
    }
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
          failure ??= error;
        }
      }
    };
    await Promise.all(Array.from({ length: LOTS_AT_ONCE }, worker));
    if (failure !== undefined) throw failure;
  }

  private async visionPage(claim: ShardClaim, job: ShardJob, positions: readonly number[], signal: AbortSignal) {
    const reader = new VisionReader(this.database, this.settings, this.describer, job);
    const lots = await reader.load(positions);
    const affordable = this.affords(
      job,
      [...lots.values()].map((lot) => photosOf(lot).length),
    );
    return async (position: number) => {
      const lot = lots.get(position);
      if (lot === undefined) return;
      if (!affordable) return this.fail(claim, lot, TOO_EXPENSIVE, lot.missing);
      const infos = await this.database.query<{ additional_info: string | null }>(
        'select additional_info from batch_lot_inputs where job_id = $1 and position = $2',
        [job.id, position],
      );
      try {
        const request = {
          additionalInfo: infos[0]?.additional_info ?? null,
          ...(await this.photos.toSend(lot, signal)),
        };
        const english = await this.describer.assess(request, this.limits(job, signal), (usage) =>
          this.count(job, usage),
        );
        const { seen, missing } = english;
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
        if (!(error instanceof LotError)) throw error;
        throwIfNotNow(error);
        const missing = error.missingImages.length === 0 ? lot.missing : error.missingImages;
        await this.fail(claim, lot, { code: error.code, message: error.message }, missing);
      }
    };
  }

  private async translationPage(claim: ShardClaim, job: ShardJob, positions: readonly number[], signal: AbortSignal) {
    const reader = new TranslationReader(this.database, this.settings, job);
    const lots = await reader.load(positions);
    const affordable = this.affords(
      job,
      positions.map(() => 0),
    );
    return async (position: number) => {
      const lot = lots.get(position);
      if (lot === undefined) return;
      const rows = new Map<string, NewResult>();
      if (affordable) await this.translate(job, reader.languages, lot, rows, signal);
      const { results, renderedBytes } = reader.described(rows, lot);
      await this.store(claim, results, {
        position,
        status: 'completed',
        attempt: lot.attempt,
        renderedBytes,
        missing: null,
      });
    };
  }

  /** Language by language, side by side; one that fails falls back to English. */
  private async translate(
    job: ShardJob,
    languages: readonly string[],
    lot: TranslationLineLot,
    rows: Map<string, NewResult>,
    signal: AbortSignal,
  ): Promise<void> {
    const source = { strings: lot.text, assessment: null, model: lot.model };
    await Promise.all(
      languages.map(async (language) => {
        try {
          const limits = this.limits(job, signal);
          rows.set(
            language,
            await this.describer.translate(source, language, limits, (usage) => this.count(job, usage)),
          );
        } catch (error) {
          if (error instanceof LotError) throwIfNotNow(error);
          else if (!(error instanceof TranslationError)) throw error;
          this.logger.warn('a translation failed; the English text stands in', { job_id: job.id, language });
        }
      }),
    );
  }

  /** Paid answers are committed one by one, so that a process that dies pays for none twice but those in flight. */
  private async store(claim: ShardClaim, results: readonly NewResult[], lot: DescribedLot): Promise<void> {
    const rows = new ResultRows(claim.row.job_id, this.clock.date().toISOString());
    const range = rows.add(lot.position, results);
    await this.write(claim, rows, {
      position: lot.position,
      attempt: claim.row.attempt,
      outcome: { kind: 'described', rows: range, lot },
    });
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
    await this.write(claim, rows, { position, attempt: claim.row.attempt, outcome: failed });
  }

  private async write(claim: ShardClaim, rows: ResultRows, outcome: LotOutcome): Promise<void> {
    await this.advance.commit(claim.row.job_id, async (tx) => {
      const moves = await this.described.write(tx, claim.row.job_id, claim.row.stage, [outcome], rows);
      await this.shards.fence(tx, claim);
      return moves;
    });
  }

  private async count(job: ShardJob, usage: UsageRow): Promise<void> {
    await this.database.transaction((tx) => this.jobs.addUsage(tx, job.id, [usage]));
  }

  /** Twice the batch's price must still fit into what the client allows. */
  private affords(job: ShardJob, photos: readonly number[]): boolean {
    const limit = job.options.max_cost_usd;
    if (limit === undefined) return true;
    const languages = job.languages.length;
    let cost = job.costUsd;
    for (const count of photos) cost += estimateLot(count, 0, languages, this.settings.estimate(false)).costUsd ?? 0;
    return cost <= limit;
  }

  private limits(job: ShardJob, signal: AbortSignal) {
    return { deadlineAt: Math.min(this.clock.now() + LOT_MS, this.deadlines.lastCallEnds(job)), signal };
  }
}

const TOO_EXPENSIVE = {
  code: 'COST_LIMIT_EXCEEDED',
  message: 'The lot was not done in a batch, and doing it directly would cost more than max_cost_usd.',
};

/** Quota, keys, models, limits and an open circuit hold everything back; they are no lot's fault. */
function throwIfNotNow(error: LotError): void {
  const { cause } = error;
  if (!(cause instanceof OpenAiError)) return;
  switch (cause.kind) {
    case 'quota':
    case 'auth':
    case 'model':
    case 'rate_limited':
    case 'circuit_open':
    case 'connection':
      throw new NotNowError(cause.code ?? cause.kind);
    case 'server':
    case 'broken_body':
    case 'too_large':
    case 'refused':
    case 'timeout':
    case 'image':
    case 'context_length':
    case 'rejected':
    case 'aborted':
      return;
  }
}
