import { Injectable } from '@nestjs/common';
import { remember } from '../../common/remember.js';
import { ServiceError } from '../../common/service-error.js';
import type { Upload } from './upload.js';

/**
 * How many bodies of strangers, and of others, are decoded or parsed side by side: each has a decoder, and lots in
 * memory.
 */
const STRANGERS_AT_ONCE = 2;
const OTHERS_AT_ONCE = 4;

/** After this many milliseconds of work in one go the event loop gets a turn. */
const SLICE_MS = 6;
/**
 * While many new connections come, a stranger's body rests this many times as long as it worked: each connection needs a
 * turn of the loop to be accepted.
 */
const CROWDED_REST = 8;
/** What one stranger's body may take while others wait: several times what 50,000 lots take. */
const MAX_WORK_MS = 4000;
/** How fast the time that a claimant's bodies took is forgotten. */
const FORGET_MS = 60_000;
const MAX_REMEMBERED = 10_000;

interface Waiting {
  readonly key: string;
  readonly start: () => void;
}

/** One body at work. */
export class WorkTurns {
  private slice = 0;
  private total = 0;

  constructor(
    private readonly rest: (workedMs: number) => Promise<void>,
    private readonly account: (workedMs: number, totalMs: number) => void,
  ) {}

  /**
   * Does a piece of work in one go, and counts how long it took.
   * @returns undefined, or what to wait for before the next piece
   */
  work(piece: () => void): Promise<void> | undefined {
    const started = performance.now();
    piece();
    const took = performance.now() - started;
    this.slice += took;
    this.total += took;
    this.account(took, this.total);
    if (this.slice < SLICE_MS) return undefined;
    const worked = this.slice;
    this.slice = 0;
    return this.rest(worked);
  }
}

/**
 * The processor time that bodies take before their signature is right. All strangers together get at most half of it,
 * in short turns, and the one who used least recently goes first. Addresses that signed correctly before go ahead of
 * them.
 */
@Injectable()
export class UnprovenWork {
  private readonly strangers = new Lane(STRANGERS_AT_ONCE);
  private readonly others = new Lane(OTHERS_AT_ONCE);
  private readonly spent = new Map<string, { ms: number; at: number }>();
  private isCrowded: () => boolean = () => false;
  /** No stranger's body is worked on before this time. */
  private nextTurnAt = 0;

  /** @param isCrowded - whether many new connections come just now */
  watchCrowd(isCrowded: () => boolean): void {
    this.isCrowded = isCrowded;
  }

  /** Runs `work` when it is its turn. */
  async run<T>(upload: Upload, work: (turns: WorkTurns) => Promise<T>): Promise<T> {
    const lane = upload.good ? this.others : this.strangers;
    const { key } = upload.claimant;
    await lane.enter(key);
    try {
      return await work(upload.good ? turnsOfProven() : this.strangersTurns(key));
    } finally {
      lane.leave((waiting) => this.leastOf(waiting));
    }
  }

  private strangersTurns(key: string): WorkTurns {
    return new WorkTurns(
      (worked) => this.rest(worked),
      (took, total) => {
        this.spend(key, took);
        if (total > MAX_WORK_MS && this.strangers.isBusy) throw tooMuchWork();
      },
    );
  }

  /**
   * The pause is as long as the work was, so that at least half of the time is left for everything else, however many
   * bodies are being read. It is longer while many new connections arrive.
   */
  private async rest(worked: number): Promise<void> {
    const now = performance.now();
    const rest = worked * (this.isCrowded() ? CROWDED_REST : 1);
    const at = Math.max(now + rest, this.nextTurnAt);
    this.nextTurnAt = at + worked + rest;
    await new Promise((resolve) => setTimeout(resolve, at - now));
  }

  private spend(key: string, ms: number): void {
    const now = performance.now();
    remember(this.spent, key, { ms: this.spentOf(key, now) + ms, at: now }, MAX_REMEMBERED);
  }

  private spentOf(key: string, now: number): number {
    const spent = this.spent.get(key);
    return spent === undefined ? 0 : spent.ms * Math.exp((spent.at - now) / FORGET_MS);
  }

  private leastOf(waiting: readonly Waiting[]): number {
    const now = performance.now();
    let least = 0;
    let leastSpent = Number.POSITIVE_INFINITY;
    for (const [index, { key }] of waiting.entries()) {
      const spent = this.spentOf(key, now);
      if (spent < leastSpent) {
        least = index;
        leastSpent = spent;
      }
    }
    return least;
  }
}

/** At most this many at a time; the others wait. */
class Lane {
  private readonly waiting: Waiting[] = [];
  private running = 0;

  constructor(private readonly most: number) {}

  get isBusy(): boolean {
    return this.waiting.length > 0;
  }

  async enter(key: string): Promise<void> {
    if (this.running < this.most) {
      this.running += 1;
      return;
    }
    await new Promise<void>((resolve) => this.waiting.push({ key, start: resolve }));
  }

  leave(choose: (waiting: readonly Waiting[]) => number): void {
    if (this.waiting.length === 0) {
      this.running -= 1;
      return;
    }
    const [next] = this.waiting.splice(choose(this.waiting), 1);
    next?.start();
  }
}

/** For work that already counts against its key's limits: it only gives others their turn. */
export function turnsOfProven(): WorkTurns {
  return new WorkTurns(turnOfLoop, () => undefined);
}

function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function tooMuchWork(): ServiceError {
  return new ServiceError(
    'SERVICE_UNAVAILABLE',
    'Reading the body takes too long while others wait; send it again shortly, in smaller requests or signed by scheme 1.',
    { headers: { 'Retry-After': '10' } },
  );
}
