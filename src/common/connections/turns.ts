/** After so much work for others the event loop gets a turn, and with it whoever has just come. */
const TURN_MS = 12;

/**
 * And after so much while new connections come: libuv accepts one in each turn of the loop, so 250 that wait to be accepted
 * kept /health waiting for 7 s behind bodies that had their turns.
 */
const CROWDED_MS = 0.5;
/** So long after the last of them it is taken that more may wait. */
const CROWD_MS = 50;

/** Something that has a little to do each time that it is its turn. */
export interface Task {
  /** Does a little. @returns whether there is more to do now */
  turn(): boolean;
}

/**
 * Shares the event loop among tasks whose cost only their senders know: each does a little in its turn, first come, first
 * served, and between the rounds everything else happens.
 */
export class Turns {
  /** What is urgent goes first. */
  private readonly urgent = new Set<Task>();
  private readonly usual = new Set<Task>();
  private crowdedAt = Number.NEGATIVE_INFINITY;
  private spentMs = 0;
  private mostMs = TURN_MS;
  private scheduled = false;

  /** Whether there is time left in this turn of the event loop, and nobody waits for it. */
  get isFree(): boolean {
    return this.spentMs < this.mostMs && this.urgent.size === 0;
  }

  /** Whether connections were accepted just now, so that others may wait behind them. */
  get isCrowded(): boolean {
    return performance.now() - this.crowdedAt < CROWD_MS;
  }

  /** A connection was accepted in this turn of the loop; others may wait behind it. */
  crowd(): void {
    this.crowdedAt = performance.now();
    this.mostMs = CROWDED_MS;
    this.schedule();
  }

  /** Does work right now, on the account of this turn. */
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

  delete(task: Task): void {
    this.urgent.delete(task);
    this.usual.delete(task);
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.round());
  }

  private round(): void {
    this.scheduled = false;
    this.spentMs = 0;
    this.runAll(this.urgent);
    this.spentMs = 0;
    this.runAll(this.usual);
    this.spentMs = 0;
    this.mostMs = TURN_MS;
    if (this.urgent.size + this.usual.size > 0) this.schedule();
  }

  private runAll(tasks: Set<Task>): void {
    const started = performance.now();
    for (const task of tasks) {
      tasks.delete(task);
      if (task.turn()) this.usual.add(task);
      if (performance.now() - started >= this.mostMs) return;
    }
  }
}
