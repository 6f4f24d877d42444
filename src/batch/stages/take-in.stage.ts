import { Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Clock } from '../../common/clock.js';
import { Database } from '../../database/database.service.js';
import { storableName } from '../../database/storable-text.js';
import { LotTexts } from '../../describe/lot-texts.js';
import { ModelSettings } from '../../describe/model-settings.js';
import { JobGlossaries } from '../../glossaries/job-glossaries.js';
import { ModelLotReader } from '../../jobs/model-lot-reader.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import { JobReader } from '../../jobs/job-reader.js';
import { mayBeHalfWritten, ShardStore, type ShardClaim } from '../shards/shard-store.js';
import { isTerminal, STAGE_STATUS } from '../../jobs/states.js';
import { OpenAiError } from '../../openai/errors.js';
import { OpenAiClient } from '../../openai/openai-client.js';
import { readBatchLine, type BatchLine } from '../lines/batch-line.js';
import { Chunk } from '../shards/chunk.js';
import { ChunkWriter } from '../shards/chunk-writer.js';
import { CostGuard } from '../limits/cost-guard.js';
import { Deadlines } from '../limits/deadlines.js';
import { outcomeOfFailure, type LineLot, type LineOutcome, type LineReader } from '../lines/line-outcome.js';
import { splitLines } from '../lines/line-splitter.js';
import { ShardEnd } from '../shards/shard-end.js';
import { shardLots } from '../shards/shard-lots.js';
import { EVERY_SECOND, ScheduledStage } from './scheduled-stage.js';
import { MOST_FAILURES } from './stage.js';
import { TranslationReader } from '../lines/translation-reader.js';
import { kindOf } from '../lines/unforeseen.js';
import { VisionReader } from '../lines/vision-reader.js';

/** How many lines are committed together; fewer if their rows are long, so that memory does not grow. */
const CHUNK_LINES = 2000;
const CHUNK_BYTES = 8 * 1024 * 1024;
/** How many lots are looked up at once. It is also how many lines are read before other work gets its turn. */
const LOOKUP_LINES = 250;
/** One: writing and reading back the texts of a lot in six languages takes milliseconds. */
const LINES_PER_TURN = 1;

/**
 * Takes in the files of a batch that has ended, in whatever way. Each chunk of lines is applied exactly once, even if a
 * process dies in the middle.
 */
@Injectable()
export class TakeInStage extends ScheduledStage {
  readonly name = 'take-in';
  readonly atOnce = 2;
  private readonly logger = new Logger(TakeInStage.name);

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly openai: OpenAiClient,
    private readonly settings: ModelSettings,
    private readonly texts: LotTexts,
    private readonly glossaries: JobGlossaries,
    private readonly modelLots: ModelLotReader,
    private readonly jobReader: JobReader,
    private readonly shards: ShardStore,
    private readonly writer: ChunkWriter,
    private readonly costs: CostGuard,
    private readonly end: ShardEnd,
    private readonly deadlines: Deadlines,
  ) {
    super();
  }

  @Cron(EVERY_SECOND, { name: 'batch-take-in', waitForCompletion: true })
  tick(): Promise<void> {
    return this.claimDue();
  }

  claim(limit: number): Promise<ShardClaim[]> {
    return this.shards.claim(['taking_in'], limit);
  }

  async run(claim: ShardClaim, signal: AbortSignal): Promise<void> {
    const { row } = claim;
    const job = await this.jobReader.forShard(row.job_id);
    if (job === undefined) return this.end.abandon(claim);
    const words = await this.glossaries.wordsOf(job.id);
    try {
      if (row.stage === 'vision') {
        await this.takeFiles(
          claim,
          job,
          new VisionReader(this.modelLots, this.settings, this.texts, job, words),
          signal,
        );
      } else {
        await this.takeFiles(
          claim,
          job,
          new TranslationReader(this.modelLots, this.settings, this.texts, job, words),
          signal,
        );
      }
    } catch (error) {
      // A file that cannot be downloaded is waited for as long as a batch that does not end.
      if (!(error instanceof OpenAiError) || !this.deadlines.harvestIsOver(job)) throw error;
      this.logger.error('the rest of a file is given up', { job_id: row.job_id, stage: row.stage, kind: error.kind });
      // The answers that say what it cost will not be read, so the amount stays held by the job.
      await this.shards.step(this.database, claim, { reserved_usd: 0 });
    }
    signal.throwIfAborted();
    const now = await this.jobReader.forShard(row.job_id);
    if (now === undefined || isTerminal(now.status)) return this.end.abandon(claim);
    await this.end.finish(claim, now);
  }

  /** The rest of its files cannot be taken in, and its cost cannot be read. */
  async giveUp(claim: ShardClaim): Promise<void> {
    await this.shards.step(this.database, claim, { reserved_usd: 0, failures: MOST_FAILURES });
    await this.end.giveUp(claim);
  }

  /** Takes in both files, starting at the cursor. */
  private async takeFiles<L extends LineLot>(
    claim: ShardClaim,
    job: ShardJob,
    reader: LineReader<L>,
    signal: AbortSignal,
  ): Promise<void> {
    const { output_file_id: output, error_file_id: error, cursor_file, cursor_bytes } = claim.row;
    const offset = Number(cursor_bytes);
    const inErrors = cursor_file === 'error';
    // The chunk at the cursor may be one that a process wrote in part before it died.
    const left = { half: mayBeHalfWritten(claim) };
    if (!inErrors && output !== null)
      await this.takeFile(claim, job, reader, { file: 'output', id: output, offset }, left, signal);
    if (error !== null)
      await this.takeFile(
        claim,
        job,
        reader,
        { file: 'error', id: error, offset: inErrors ? offset : 0 },
        left,
        signal,
      );
  }

  private async takeFile<L extends LineLot>(
    claim: ShardClaim,
    job: ShardJob,
    reader: LineReader<L>,
    { file, id: fileId, offset }: { file: 'output' | 'error'; id: string; offset: number },
    left: { half: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    let chunk = this.newChunk(claim, file, offset, new Set(), left.half);
    let waiting: BatchLine[] = [];
    let lines = 0;
    // One chunk is written while the next is read, because PostgreSQL and this process each have a core to use.
    let writing: Promise<void> = Promise.resolve();
    try {
      for await (const { bytes, end } of splitLines(this.openai.files.fileContent(fileId, { offset, signal }), offset, {
        file: mostFileBytes(claim),
      })) {
        const line = bytes === null ? undefined : lineOf(bytes);
        if (line === undefined) {
          this.logger.warn('a line cannot be read', { job_id: claim.row.job_id, file, end });
          if (file === 'output') chunk.unknownCosts.push(null);
        } else if (inRange(line, claim)) waiting.push(line);
        chunk.end = end;
        lines += 1;
        if (waiting.length >= LOOKUP_LINES) {
          await this.read(waiting, claim, reader, chunk, signal);
          waiting = [];
        }
        if (lines >= CHUNK_LINES || chunk.rows.size >= CHUNK_BYTES) {
          await this.read(waiting, claim, reader, chunk, signal);
          await writing;
          writing = this.commit(claim, job, chunk, signal);
          // Awaited below or at the end, so a rejection is still noticed; here it must not count as unhandled.
          writing.catch(() => undefined);
          left.half = false;
          chunk = this.newChunk(claim, file, end, chunk.responses, false);
          waiting = [];
          lines = 0;
        }
      }
      await this.read(waiting, claim, reader, chunk, signal);
    } finally {
      await writing;
    }
    if (lines === 0) return;
    left.half = false;
    await this.commit(claim, job, chunk, signal);
  }

  private newChunk(
    { row }: ShardClaim,
    file: 'output' | 'error',
    end: number,
    earlier: ReadonlySet<string>,
    half: boolean,
  ): Chunk {
    return new Chunk(row.job_id, row.stage, row.attempt, file, end, earlier, this.clock.date().toISOString(), half);
  }

  private async read<L extends LineLot>(
    lines: readonly BatchLine[],
    claim: ShardClaim,
    reader: LineReader<L>,
    chunk: Chunk,
    signal: AbortSignal,
  ): Promise<void> {
    if (lines.length === 0) return;
    const lots = await reader.load(lines.map((line) => line.position));
    const { stage } = claim.row;
    let turn = 0;
    for (const line of lines) {
      if (++turn % LINES_PER_TURN === 0) {
        await new Promise(setImmediate);
        signal.throwIfAborted();
      }
      const lot = lots.get(line.position);
      if (lot === undefined) continue;
      // The same line twice is one answer, and is billed once.
      const repeat = chunk.isRepeat(storableName(line.responseId), lot);
      if (!repeat && line.usage !== null) chunk.usage.add(this.settings.usageRow(stage, line.usage, true));
      if (!repeat && hidesItsCost(line)) chunk.unknownCosts.push(line.position);
      if (repeat || chunk.described.has(line.position) || lot.status !== STAGE_STATUS[stage]) continue;
      this.add(chunk, lot, line, reader);
    }
  }

  /** Adds an answer to the chunk. One that cannot be read or stored affects only its own lot. */
  private add<L extends LineLot>(chunk: Chunk, lot: L, line: BatchLine, reader: LineReader<L>): void {
    try {
      chunk.add(lot, line.attempt, outcomeOf(line, lot, reader));
    } catch (error) {
      const facts = { job_id: chunk.jobId, stage: chunk.stage, position: lot.position };
      this.logger.error('an answer cannot be used', { ...facts, reason: kindOf(error) });
      chunk.add(lot, line.attempt, { kind: 'retry' });
    }
  }

  private async commit(claim: ShardClaim, job: ShardJob, chunk: Chunk, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    let keptUsd = 0;
    if (chunk.unknownCosts.length > 0 && job.options.max_cost_usd !== undefined) {
      const worst = await this.costs.worst(shardLots(claim.row), job);
      for (const position of chunk.unknownCosts) keptUsd += worst(position);
    }
    await this.writer.commit(claim, chunk, keptUsd);
  }
}

function outcomeOf<L extends LineLot>(line: BatchLine, lot: L, reader: LineReader<L>): LineOutcome {
  if (line.kind === 'answer') return reader.read(line.body, lot, line.usage);
  const outcome = outcomeOfFailure(line.failure);
  return outcome.kind === 'failed' ? reader.giveUp(outcome.error, lot) : outcome;
}

/**
 * How many bytes of a shard's file are read: so many for each lot, and so many in addition. Otherwise a file that never
 * ends would be read without end.
 */
const MOST_FILE_BYTES = { each: 1024 * 1024, besides: 64 * 1024 * 1024 };

function mostFileBytes({ row }: ShardClaim): number {
  return MOST_FILE_BYTES.besides + MOST_FILE_BYTES.each * (row.last_position - row.first_position + 1);
}

function inRange(line: BatchLine, claim: ShardClaim): boolean {
  return line.position >= claim.row.first_position && line.position <= claim.row.last_position;
}

/** A line that cannot even be parsed is treated like one that never came. */
function lineOf(bytes: Buffer): BatchLine | undefined {
  try {
    return readBatchLine(bytes);
  } catch {
    return undefined;
  }
}

/** True for an answer without usage: every answer is billed. A failure without usage is not. */
function hidesItsCost(line: BatchLine): boolean {
  return line.kind === 'answer' && (line.usage === null || line.usage.input === 0 || line.usage.output === 0);
}
