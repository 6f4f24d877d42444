import { setMaxListeners } from 'node:events';
import type { SandboxSettings } from '../settings.js';
import { ruleFor } from '../faults/fault-book.js';
import type { FileStore } from '../files/file-store.js';
import type { ModelTable } from '../models/model-table.js';
import type { SandboxClock } from '../sandbox-clock.js';
import { isTerminal, stuckRule, type BatchProblem, type BatchRecord, type BatchStatus } from './batch-record.js';
import type { BatchStore } from './batch-store.js';
import { LinesRun } from './lines-run.js';
import type { LineRunner } from './run-line.js';
import { validateInput } from './validate-batch.js';

/** Lets the enqueued-token limit be changed while the sandbox runs. */
export interface QueueLimit {
  tokens: number;
}

/** Moves each batch through its states; at a start it resumes batches that a kill interrupted. */
export class BatchEngine {
  private readonly closing = new AbortController();
  private readonly running = new Set<Promise<void>>();

  constructor(
    private readonly store: BatchStore,
    private readonly files: FileStore,
    private readonly models: ModelTable,
    private readonly lines: LineRunner,
    private readonly clock: SandboxClock,
    private readonly config: SandboxSettings,
    private readonly limit: QueueLimit,
  ) {
    // Every photo of every running line listens for the end of the process.
    setMaxListeners(0, this.closing.signal);
  }

  /** Goes on with every batch that has not ended. */
  resume(): void {
    for (const record of this.store.list().toReversed()) if (!isTerminal(record)) this.start(record);
  }

  start(record: BatchRecord): void {
    const run = this.advance(record).catch((error: unknown) => {
      if (this.closing.signal.aborted) return;
      process.stderr.write(`sandbox: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    });
    this.running.add(run);
    void run.finally(() => this.running.delete(run));
  }

  async cancel(record: BatchRecord): Promise<void> {
    await this.enter(record, 'cancelling');
    this.clock.wake();
  }

  /** Stops at once; the next start continues from the states on disk. */
  async close(): Promise<void> {
    this.closing.abort(new Error('the sandbox closes'));
    await Promise.allSettled(this.running);
  }

  private async advance(record: BatchRecord): Promise<void> {
    if (record.status === 'validating') await this.validate(record);
    if (record.status === 'in_progress') await this.runLines(record);
    if (record.status === 'finalizing') {
      await this.stay(record, this.config.batch.finalizeSeconds);
      if (this.hasStatus(record, 'finalizing')) await this.enter(record, this.isOver(record) ? 'expired' : 'completed');
    }
    if (this.hasStatus(record, 'cancelling')) {
      await this.stay(record, this.config.batch.finalizeSeconds);
      await this.enter(record, 'cancelled');
    }
  }

  private async validate(record: BatchRecord): Promise<void> {
    await this.stay(record, this.config.batch.validateSeconds);
    if (!this.hasStatus(record, 'validating')) return;
    if (this.isOver(record)) {
      await this.enter(record, 'expired');
      return;
    }
    const problems = await this.findProblems(record);
    if (!this.hasStatus(record, 'validating')) return;
    record.problems = problems;
    await this.enter(record, problems.length > 0 ? 'failed' : 'in_progress');
  }

  private async findProblems(record: BatchRecord): Promise<BatchProblem[]> {
    const ordered = ruleFor(record.fate, 'batch_fail');
    if (ordered !== undefined) {
      const code = ordered.code ?? 'token_limit_exceeded';
      const message =
        ordered.message ?? (code === 'token_limit_exceeded' ? this.limitMessage(record.model ?? '') : code);
      return [problem(code, message)];
    }
    const file = this.files.find(record.input_file_id);
    if (file === undefined) {
      return [problem('invalid_request', `No such File object: ${record.input_file_id}`, 'input_file_id')];
    }
    const input = this.files.read(file.id);
    const isStopped = () => this.closing.signal.aborted || !this.hasStatus(record, 'validating');
    const checked = await validateInput(input, (model) => this.models.find(model) !== undefined, isStopped);
    this.closing.signal.throwIfAborted();
    record.model = checked.model ?? record.model;
    if (checked.problems.length > 0) return checked.problems;
    const model = checked.model ?? '';
    const queued = this.store.enqueuedTokens(model, record.id) + checked.tokens;
    if (this.limit.tokens > 0 && queued > this.limit.tokens) {
      return [problem('token_limit_exceeded', this.limitMessage(model))];
    }
    record.enqueued = checked.tokens;
    record.counts = { total: checked.lines, completed: 0, failed: 0 };
    return [];
  }

  private limitMessage(model: string): string {
    const limit = this.limit.tokens.toLocaleString('en-US');
    return `Enqueued token limit reached for ${model} in organization org-sandbox. Limit: ${limit} enqueued tokens. Please try again once some in_progress batches have been completed.`;
  }

  private async runLines(record: BatchRecord): Promise<void> {
    const run = new LinesRun(record, this.files, this.lines, this.clock, this.config, this.closing.signal);
    const end = await run.finish();
    // The files are complete before they are shown; after a kill from here on, the lines do not run again.
    record.output_file_id = end.outputFileId;
    record.error_file_id = end.errorFileId;
    if (end.problem !== null) record.problems = [end.problem];
    if (record.status === 'cancelling') await this.store.save(record);
    else if (end.problem !== null) await this.enter(record, 'failed');
    else await this.enter(record, end.expired ? 'expired' : 'finalizing');
  }

  /**
   * Waits in the present state: for its usual time, until it is cancelled or expires, or without end when a fault says
   * "stuck".
   */
  private async stay(record: BatchRecord, seconds: number): Promise<void> {
    const { status } = record;
    const isStuck = stuckRule(record, status) !== undefined;
    const usual = (record.entered[status] ?? record.created_at) * 1000 + seconds * 1000;
    const end = status === 'cancelling' ? Infinity : record.expires_at * 1000;
    const until = Math.min(isStuck ? Infinity : usual, end);
    while (this.hasStatus(record, status) && this.clock.now() < until) {
      await this.clock.waitUntil(until, this.closing.signal);
      this.closing.signal.throwIfAborted();
    }
  }

  private async enter(record: BatchRecord, status: BatchStatus): Promise<void> {
    record.status = status;
    record.entered[status] = this.clock.seconds();
    await this.store.save(record);
  }

  /** Read through a call: a cancel changes it during any wait, which the compiler cannot know. */
  private hasStatus(record: BatchRecord, status: BatchStatus): boolean {
    return record.status === status;
  }

  private isOver(record: BatchRecord): boolean {
    return this.clock.seconds() >= record.expires_at;
  }
}

function problem(code: string, message: string, param: string | null = null): BatchProblem {
  return { code, message, param, line: null };
}
