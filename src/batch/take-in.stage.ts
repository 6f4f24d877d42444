import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { NulByteError } from '../database/copy-encoder.js';
import { Database } from '../database/database.service.js';
import { LotDescriber } from '../generation/describe/lot-describer.js';
import { ModelSettings } from '../generation/describe/model-settings.js';
import { JobStore } from '../jobs/job-store.js';
import { STAGE_STATUS, type DescribedLot } from '../jobs/shard-lot-store.js';
import { ShardStore, type ShardClaim } from '../jobs/shard-store.js';
import { isTerminal } from '../jobs/states.js';
import { OpenAiError } from '../openai/errors.js';
import { OpenAiClient } from '../openai/openai-client.js';
import { translationAttempt } from './attempts.js';
import { readBatchLine, type BatchLine } from './batch-line.js';
import { Deadlines } from './deadlines.js';
import { DescribedLots, type LotOutcome } from './described-lots.js';
import { JobAdvance, JobEndedError } from './job-advance.js';
import { outcomeOfFailure, type LineLot, type LineOutcome, type LineReader } from './line-outcome.js';
import { splitLines } from './line-splitter.js';
import { ResultRows } from './result-rows.js';
import { ShardEnd } from './shard-end.js';
import type { Stage } from './stage.js';
import { TranslationReader } from './translation-reader.js';
import { UsageSum } from './usage-sum.js';
import { VisionReader } from './vision-reader.js';

/** Lines of one commit; fewer where their rows are long, so that memory stays flat. */
const CHUNK_LINES = 2000;
const CHUNK_BYTES = 8 * 1024 * 1024;
/** Lots looked up at once, and lines read before other work gets its turn. */
const LOOKUP_LINES = 250;
const LINES_PER_TURN = 4;

interface Chunk {
  /** The last word on each lot; the first description wins. */
  readonly outcomes: Map<number, LotOutcome>;
  readonly described: Set<number>;
  readonly responses: Set<string>;
  /** Those of the chunk before, which may not be committed yet. */
  readonly earlier: ReadonlySet<string>;
  readonly rows: ResultRows;
  readonly usage: UsageSum;
  readonly file: 'output' | 'error';
  end: number;
}

/** Takes in the files of a batch that ended, however it ended: each chunk of lines counts once, whoever dies when. */
@Injectable()
export class TakeInStage implements Stage {
  readonly name = 'take-in';
  readonly atOnce = 2;
  private readonly logger = new Logger(TakeInStage.name);

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly openai: OpenAiClient,
    private readonly settings: ModelSettings,
    private readonly describer: LotDescriber,
    private readonly jobs: JobStore,
    private readonly shards: ShardStore,
    private readonly advance: JobAdvance,
    private readonly lots: DescribedLots,
    private readonly end: ShardEnd,
    private readonly deadlines: Deadlines,
  ) {}

  claim(limit: number): Promise<ShardClaim[]> {
    return this.shards.claim(['taking_in'], limit);
  }

  async run(claim: ShardClaim, signal: AbortSignal): Promise<void> {
    const { row } = claim;
    const job = await this.shards.job(this.database, row.job_id);
    if (job === undefined) return this.end.abandon(claim);
    try {
      if (row.stage === 'vision') {
        await this.takeFiles(claim, new VisionReader(this.database, this.settings, this.describer, job), signal);
      } else {
        await this.takeFiles(claim, new TranslationReader(this.database, this.settings, job), signal);
      }
    } catch (error) {
      // A file that cannot be had is waited for as long as a batch that does not end.
      if (!(error instanceof OpenAiError) || !this.deadlines.harvestIsOver(job)) throw error;
      this.logger.error('the rest of a file is given up', { job_id: row.job_id, stage: row.stage, kind: error.kind });
    }
    signal.throwIfAborted();
    const now = await this.shards.job(this.database, row.job_id);
    if (now === undefined || isTerminal(now.status)) return this.end.abandon(claim);
    await this.end.finish(claim, now);
  }

  /** Both files from the cursor on. */
  private async takeFiles<L extends LineLot>(
    claim: ShardClaim,
    reader: LineReader<L>,
    signal: AbortSignal,
  ): Promise<void> {
    const { output_file_id: output, error_file_id: error, cursor_file, cursor_bytes } = claim.row;
    const offset = Number(cursor_bytes);
    const inErrors = cursor_file === 'error';
    if (!inErrors && output !== null) await this.takeFile(claim, reader, 'output', output, offset, signal);
    if (error !== null) await this.takeFile(claim, reader, 'error', error, inErrors ? offset : 0, signal);
  }

  private async takeFile<L extends LineLot>(
    claim: ShardClaim,
    reader: LineReader<L>,
    file: 'output' | 'error',
    fileId: string,
    offset: number,
    signal: AbortSignal,
  ): Promise<void> {
    let chunk = this.newChunk(claim.row.job_id, file, offset, new Set());
    let waiting: BatchLine[] = [];
    let lines = 0;
    // One chunk is being written while the next is read: PostgreSQL and this process each have a core to use.
    let writing: Promise<void> = Promise.resolve();
    try {
      for await (const { bytes, end } of splitLines(
        this.openai.files.fileContent(fileId, { offset, signal }),
        offset,
        mostFileBytes(claim),
      )) {
        const line = readBatchLine(bytes);
        if (line === undefined) this.logger.warn('a line cannot be read', { job_id: claim.row.job_id, file, end });
        else if (inRange(line, claim)) waiting.push(line);
        chunk.end = end;
        lines += 1;
        if (waiting.length >= LOOKUP_LINES) {
          await this.read(waiting, claim, reader, chunk, signal);
          waiting = [];
        }
        if (lines >= CHUNK_LINES || chunk.rows.size >= CHUNK_BYTES) {
          await this.read(waiting, claim, reader, chunk, signal);
          await writing;
          writing = this.commit(claim, chunk, signal);
          // Awaited below, or at the end; a rejection in between is not forgotten.
          writing.catch(() => undefined);
          chunk = this.newChunk(claim.row.job_id, file, end, chunk.responses);
          waiting = [];
          lines = 0;
        }
      }
      await this.read(waiting, claim, reader, chunk, signal);
    } finally {
      await writing;
    }
    if (lines > 0) await this.commit(claim, chunk, signal);
  }

  private newChunk(jobId: string, file: 'output' | 'error', end: number, earlier: ReadonlySet<string>): Chunk {
    const rows = new ResultRows(jobId, this.clock.date().toISOString());
    return {
      outcomes: new Map(),
      described: new Set(),
      responses: new Set(),
      earlier,
      rows,
      usage: new UsageSum(),
      file,
      end,
    };
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
      // A line that is written twice is one answer and is billed once.
      const { responseId } = line;
      const doubled =
        responseId !== '' &&
        (chunk.responses.has(responseId) || chunk.earlier.has(responseId) || lot.seenResponse === responseId);
      chunk.responses.add(responseId);
      if (!doubled && line.usage !== null) chunk.usage.add(this.settings.usageRow(stage, line.usage, true));
      if (doubled || chunk.described.has(line.position) || lot.status !== STAGE_STATUS[stage]) continue;
      this.add(chunk, claim, lot, line.attempt, outcomeOf(line, lot, reader));
    }
  }

  private add(chunk: Chunk, claim: ShardClaim, lot: LineLot, attempt: number, outcome: LineOutcome): void {
    const { position } = lot;
    if (outcome.kind === 'failed') {
      const failed = { position, error: outcome.error, missingImages: lot.missing };
      chunk.outcomes.set(position, { position, attempt, outcome: { kind: 'failed', lot: failed } });
    } else if (outcome.kind !== 'described') {
      chunk.outcomes.set(position, { position, attempt, outcome: { kind: outcome.kind } });
    } else {
      const translating = outcome.renderedBytes === 0;
      const described: DescribedLot = {
        position,
        status: translating ? 'translating' : 'completed',
        attempt: translating ? translationAttempt(claim.row.attempt) : lot.attempt,
        renderedBytes: outcome.renderedBytes,
        missing: null,
      };
      try {
        const rows = chunk.rows.add(position, outcome.results);
        chunk.outcomes.set(position, { position, attempt, outcome: { kind: 'described', rows, lot: described } });
        chunk.described.add(position);
      } catch (error) {
        // Text that PostgreSQL cannot hold is an answer that cannot be used.
        if (!(error instanceof NulByteError)) throw error;
        chunk.outcomes.set(position, { position, attempt, outcome: { kind: 'retry' } });
      }
    }
  }

  /** One transaction: results, lots, cursor, usage, counters, and the job's end if this was the last of it. */
  private async commit(claim: ShardClaim, chunk: Chunk, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { job_id: jobId, stage } = claim.row;
    const cursor = { cursor_file: chunk.file, cursor_bytes: chunk.end } as const;
    const usage = chunk.usage.rows();
    const outcomes = [...chunk.outcomes.values()].sort((a, b) => a.position - b.position);
    try {
      await this.advance.commit(jobId, async (tx) => {
        const moves = await this.lots.write(tx, jobId, stage, outcomes, chunk.rows);
        await this.shards.step(tx, claim, cursor);
        await this.jobs.addUsage(tx, jobId, usage);
        return moves;
      });
    } catch (error) {
      if (!(error instanceof JobEndedError)) throw error;
      // Cancelled, or over: what OpenAI answered is billed all the same, and nothing else of it is kept.
      await this.database.transaction(async (tx) => {
        await this.shards.step(tx, claim, cursor);
        await this.jobs.addUsage(tx, jobId, usage);
      });
    }
  }
}

function outcomeOf<L extends LineLot>(line: BatchLine, lot: L, reader: LineReader<L>): LineOutcome {
  if (line.kind === 'answer') return reader.read(line.body, lot, line.usage);
  const outcome = outcomeOfFailure(line.failure);
  return outcome.kind === 'failed' ? reader.giveUp(outcome.error, lot) : outcome;
}

/** Bytes that the file of a shard may have: a file that never ends must not be read for ever. */
const MOST_FILE_BYTES = { each: 1024 * 1024, besides: 64 * 1024 * 1024 };

function mostFileBytes({ row }: ShardClaim): number {
  return MOST_FILE_BYTES.besides + MOST_FILE_BYTES.each * (row.last_position - row.first_position + 1);
}

function inRange(line: BatchLine, claim: ShardClaim): boolean {
  return line.position >= claim.row.first_position && line.position <= claim.row.last_position;
}
