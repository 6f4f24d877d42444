import { Slots } from '../common/slots.js';

/** Bounds work overall and per key; a key's bound may change while it works. */
export class KeyedLimiter {
  private readonly all: Slots;
  private readonly byKey = new Map<string, Slots>();

  constructor(
    total: number,
    private readonly perKey: (key: string) => number,
  ) {
    this.all = new Slots(total);
  }

  /**
   * Runs `work` when both limits allow it.
   * The key's slot is taken first: work that waits for a hanging host must not hold a slot that another host could use.
   * @returns null when {@link sendAway} was called before it began
   * @throws the signal's reason when it is raised before `work` began
   */
  async run<T>(key: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T | null> {
    const own = this.slotsOf(key);
    try {
      if (!(await own.take(1, signal))) return null;
      try {
        await this.all.take(1, signal);
        try {
          return await work();
        } finally {
          this.all.give(1);
        }
      } finally {
        own.give(1);
      }
    } finally {
      if (own.idle) this.byKey.delete(key);
    }
  }

  /** Sends away those who wait for the key's slots, because the host's pace has changed. */
  sendAway(key: string): void {
    this.byKey.get(key)?.sendAway();
  }

  private slotsOf(key: string): Slots {
    let slots = this.byKey.get(key);
    if (slots === undefined) {
      slots = new Slots(() => this.perKey(key));
      this.byKey.set(key, slots);
    }
    return slots;
  }
}
