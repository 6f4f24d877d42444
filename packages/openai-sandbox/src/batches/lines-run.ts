import type { SandboxSettings } from '../settings.js';
import { Breather } from '../concurrency.js';
import { ruleFor } from '../faults/fault-book.js';
import type { FileStore } from '../files/file-store.js';
import type { SandboxClock } from '../sandbox-clock.js';
import { chance } from '../seeded.js';
import { stuckRule, type BatchProblem, type BatchRecord } from './batch-record.js';
import { LineOutput } from './line-output.js';
import { readLines } from './lines.js';
import { customIdOf, notRunLine, type LineResult, type LineRunner } from './run-line.js';

export interface LinesEnd {
  readonly outputFileId: string | null;
  readonly errorFileId: string | null;
  readonly expired: boolean;
  /** Set when the input file was gone. */
  readonly problem: BatchProblem | null;
}

const PACE_SLACK_MS = 20;

/** One pass over a batch's lines, with flat memory: read, run a few side by side, write both files. */
export class LinesRun {
  private readonly output: LineOutput;
  private readonly errors: LineOutput;
  private readonly inFlight = new Set<Promise<void>>();
  private readonly counts = { completed: 0, failed: 0 };
  private readonly startedAt: number;
  private failure: Error | null = null;

  constructor(
    private readonly record: BatchRecord,
    private readonly files: FileStore,
    private readonly lines: LineRunner,
    private readonly clock: SandboxClock,
    private readonly config: SandboxSettings,
    private readonly closing: AbortSignal,
  ) {
    this.output = new LineOutput(files, `${config.seed} ${record.id} output`);
    this.errors = new LineOutput(files, `${config.seed} ${record.id} errors`);
    this.startedAt = clock.now();
    // After a kill during the lines they run again from the beginning, because no client has seen a file of the first
    // pass.
    record.tokens = { input: 0, cached: 0, output: 0, reasoning: 0 };
  }

  /** @throws when the sandbox closes meanwhile; what was written is thrown away then */
  async finish(): Promise<LinesEnd> {
    try {
      const file = this.files.find(this.record.input_file_id);
      const stopped = file === undefined ? null : await this.readAll(file.id);
      await Promise.all(this.inFlight);
      this.throwIfFailed();
      const problem = file === undefined ? goneProblem(this.record.input_file_id) : null;
      return { ...(await this.keep()), expired: stopped === 'expired', problem };
    } catch (error) {
      await Promise.allSettled(this.inFlight);
      await this.output.discard();
      await this.errors.discard();
      throw error;
    }
  }

  private async readAll(fileId: string): Promise<'cancelled' | 'expired' | null> {
    const breather = new Breather();
    const most = this.mostLines();
    let stopped: 'cancelled' | 'expired' | null = null;
    let started = 0;
    for await (const { text } of readLines(this.files.read(fileId))) {
      stopped ??= await this.stopReason(started, most);
      if (stopped !== null) {
        await this.leaveOut(text, stopped);
      } else {
        started++;
        await this.start(text);
      }
      await breather.breathe();
      this.throwIfFailed();
    }
    if (stopped === null && this.isStuck()) stopped = await this.stopReason(started, started);
    return stopped;
  }

  /** Waits to keep the pace. @returns why no further line is run, if there is a reason */
  private async stopReason(started: number, most: number): Promise<'cancelled' | 'expired' | null> {
    const expiresAt = this.record.expires_at * 1000;
    const share = started / Math.max(1, this.record.counts.total);
    const isHeld = this.isStuck() && started >= most;
    const until = isHeld ? expiresAt : this.startedAt + this.config.batch.runSeconds * 1000 * share;
    // A timer for each of 50,000 lines would be the slowest part, so lines may run ahead of the pace by this much.
    const slack = isHeld ? 0 : PACE_SLACK_MS * this.clock.speed;
    while (this.record.status === 'in_progress' && this.clock.now() + slack < Math.min(until, expiresAt)) {
      await this.clock.waitUntil(Math.min(until, expiresAt), this.closing);
      this.closing.throwIfAborted();
    }
    if (this.record.status === 'cancelling') return 'cancelled';
    return this.clock.now() >= expiresAt || started >= most ? 'expired' : null;
  }

  private isStuck(): boolean {
    return stuckRule(this.record, 'in_progress') !== undefined;
  }

  /** Lines that are run before a fault lets the batch expire, or leaves it stuck half way. */
  private mostLines(): number {
    const expire = ruleFor(this.record.fate, 'batch_expire');
    if (expire === undefined && !this.isStuck()) return Infinity;
    const share = expire?.share ?? stuckRule(this.record, 'in_progress')?.share ?? 0.5;
    return Math.floor(this.record.counts.total * share);
  }

  private async start(text: string): Promise<void> {
    const work = this.lines
      .run(text, this.closing)
      .then((result) => this.write(result))
      .catch((error: unknown) => {
        this.failure ??= error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => this.inFlight.delete(work));
    this.inFlight.add(work);
    if (this.inFlight.size >= this.config.lineConcurrency) await Promise.race(this.inFlight);
  }

  private async write({ lines, to, usage }: LineResult): Promise<void> {
    for (const line of lines) await (to === 'output' ? this.output : this.errors).add(line);
    if (to === 'output') this.counts.completed++;
    else this.counts.failed++;
    this.showCounts();
    if (usage === null) return;
    const { tokens } = this.record;
    tokens.input += usage.input_tokens;
    tokens.cached += usage.input_tokens_details.cached_tokens;
    tokens.written = (tokens.written ?? 0) + usage.input_tokens_details.cache_write_tokens;
    tokens.output += usage.output_tokens;
    tokens.reasoning += usage.output_tokens_details.reasoning_tokens;
  }

  /**
   * Of an expired batch every line left is listed; of a cancelled one only sometimes, so clients must not rely on it.
   */
  private async leaveOut(text: string, reason: 'cancelled' | 'expired'): Promise<void> {
    if (reason === 'cancelled' && chance(this.record.id, 'lists cancelled') < 0.5) return;
    await this.errors.add(notRunLine(customIdOf(text), `batch_${reason}`));
    this.counts.failed++;
    this.showCounts();
  }

  private showCounts(): void {
    const { counts } = this.record;
    // After a restart the lines run again, but counts that a client has seen never go down.
    counts.completed = Math.max(counts.completed, this.counts.completed);
    counts.failed = Math.max(counts.failed, this.counts.failed);
  }

  private async keep(): Promise<{ outputFileId: string | null; errorFileId: string | null }> {
    const { id, output_life: life } = this.record;
    return {
      outputFileId: await this.output.keep(`${id}_output.jsonl`, life),
      errorFileId: await this.errors.keep(`${id}_error.jsonl`, life),
    };
  }

  private throwIfFailed(): void {
    if (this.failure !== null) throw this.failure;
    this.closing.throwIfAborted();
  }
}

function goneProblem(fileId: string): BatchProblem {
  return { code: 'invalid_request', message: `No such File object: ${fileId}`, param: 'input_file_id', line: null };
}
