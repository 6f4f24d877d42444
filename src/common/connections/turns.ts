/** After this many milliseconds of work the event loop gets a turn, and with it new connections. */
const TURN_MS = 12;

/**
 * While new connections arrive, nothing else is done for at most this long. libuv accepts one in each turn of the loop,
 * so 2,500 waiting connections kept /health waiting for 7 s behind bodies that had their turns.
 */
const ACCEPTING_MS = 25;
/**
 * When this many connections were accepted within the time below, more are assumed to be waiting for as long again. A
 * few that come back now and then are no crowd: a hundred a second would make bodies wait eight times as long all the
 * time.
 */
const CROWD = 10;
const CROWD_MS = 50;

/**
 * How many connections of each rank read in one turn of the loop. Node by itself reads from all that have data, up to 2
 * MB each: with thousands of them one turn took as long as accepting a thousand.
 */
const MOST_READS = [64, 64, 8] as const;
/** When more than this many accepted connections have not been read yet, the process is overloaded. */
const MOST_UNHEARD = 200;

/** A task that does a small piece of work in each turn. */
export interface Task {
  /** Does one piece of work. @returns whether there is more to do now */
  turn(): boolean;
}

/** A connection that reads once in its turn. Reading is expensive, because the kernel has the data ready. */
export interface Reader {
  read(): void;
}

/**
 * The ranks in the order in which they read: first bytes of a connection, the rest of a request, bytes to throw away.
 */
export const FIRST = 0;
export const REST = 1;
export const REFUSED = 2;
export type Rank = typeof FIRST | typeof REST | typeof REFUSED;

/**
 * Shares the event loop among tasks whose cost cannot be known in advance. Each does a small piece of work in its turn,
 * first come, first served; between the rounds everything else runs.
 */
export class Turns {
  /** Urgent tasks go first. */
  private readonly urgent = new Set<Task>();
  private readonly usual = new Set<Task>();
  private readonly readers: readonly Set<Reader>[] = [new Set(), new Set(), new Set()];
  private crowdedAt = Number.NEGATIVE_INFINITY;
  /** Connections accepted since the time below. */
  private accepted = 0;
  private countedSince = Number.NEGATIVE_INFINITY;
  /** When the first of the new connections was accepted, for which everything else waits. */
  private acceptingSince: number | undefined;
  /** Whether a connection was accepted in this turn of the loop. */
  private hasAccepted = false;
  private spentMs = 0;
  private scheduled = false;

  /** Whether there is time left in this turn of the event loop and no task is waiting. */
  get isFree(): boolean {
    return this.spentMs < TURN_MS && this.urgent.size === 0 && !this.isAccepting;
  }

  /** Whether many connections were accepted just now, so that others may wait behind them. */
  get isCrowded(): boolean {
    return performance.now() - this.crowdedAt < CROWD_MS;
  }

  /** Whether there are connections from which nothing has been read yet. */
  get isStrained(): boolean {
    return (this.readers[FIRST]?.size ?? 0) > MOST_UNHEARD;
  }

  /** A connection was accepted in this turn of the loop; others may wait behind it. */
  crowd(): void {
    const now = performance.now();
    this.hasAccepted = true;
    this.acceptingSince ??= now;
    if (now - this.countedSince >= CROWD_MS) {
      this.countedSince = now;
      this.accepted = 0;
    }
    this.accepted += 1;
    if (this.accepted >= CROWD) this.crowdedAt = now;
    this.schedule();
  }

  /** Does work right now and counts it as part of this turn. */
  now(work: () => void): void {
    const started = performance.now();
    try {
      work();
    } finally {
      this.spentMs += performance.now() - started;
      this.schedule();
    }
  }

  add(task: Task, urgent: boolean): void {
    (urgent ? this.urgent : this.usual).add(task);
    this.schedule();
  }

  delete(task: Task & Reader): void {
    this.urgent.delete(task);
    this.usual.delete(task);
    for (const readers of this.readers) readers.delete(task);
  }

  /** Lets `reader` read in one of the next turns. */
  addReader(reader: Reader, rank: Rank): void {
    this.readers[rank]?.add(reader);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.round());
  }

  /** Whether everything else waits for new connections. */
  private get isAccepting(): boolean {
    return this.hasAccepted && performance.now() - (this.acceptingSince ?? 0) < ACCEPTING_MS;
  }

  private round(): void {
    this.scheduled = false;
    const isAccepting = this.isAccepting;
    this.hasAccepted = false;
    if (isAccepting) return this.schedule();
    this.acceptingSince = undefined;
    this.spentMs = 0;
    this.runAll(this.urgent);
    this.runAll(this.usual);
    const isReading = this.letRead();
    if (isReading || this.urgent.size + this.usual.size > 0) this.schedule();
  }

  /** @returns whether others wait to read */
  private letRead(): boolean {
    let isAnyLeft = false;
    for (const [rank, readers] of this.readers.entries()) {
      let left = MOST_READS[rank as Rank];
      for (const reader of readers) {
        if (left-- <= 0) break;
        readers.delete(reader);
        reader.read();
      }
      isAnyLeft ||= readers.size > 0;
    }
    return isAnyLeft;
  }

  private runAll(tasks: Set<Task>): void {
    const started = performance.now();
    for (const task of tasks) {
      tasks.delete(task);
      if (task.turn()) this.usual.add(task);
      if (performance.now() - started >= TURN_MS) return;
    }
  }
}
