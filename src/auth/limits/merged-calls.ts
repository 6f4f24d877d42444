interface Waiter<T> {
  readonly resolve: (answer: MergedAnswer<T>) => void;
  readonly reject: (error: unknown) => void;
}

export interface MergedAnswer<T> {
  readonly result: T;
  /** Which of those that were done together this one is, from 1. */
  readonly place: number;
  /** How many were done together. */
  readonly of: number;
}

/**
 * Does the same for a key as often as it is called, but only once at a time: calls that come meanwhile are done together by the next
 * run. The first one does not wait.
 */
export class MergedCalls<T> {
  /** Has a key while a run for it is under way. */
  private readonly waiting = new Map<string, Waiter<T>[]>();

  /** @param run - does for this key what `times` calls ask for */
  constructor(private readonly run: (key: string, times: number) => Promise<T>) {}

  call(key: string): Promise<MergedAnswer<T>> {
    return new Promise((resolve, reject) => {
      const waiting = this.waiting.get(key);
      if (waiting !== undefined) {
        waiting.push({ resolve, reject });
        return;
      }
      this.waiting.set(key, []);
      void this.runAll(key, [{ resolve, reject }]);
    });
  }

  private async runAll(key: string, first: readonly Waiter<T>[]): Promise<void> {
    for (let calls = first; calls.length > 0; calls = this.next(key)) {
      try {
        const result = await this.run(key, calls.length);
        for (const [index, { resolve }] of calls.entries()) resolve({ result, place: index + 1, of: calls.length });
      } catch (error) {
        for (const { reject } of calls) reject(error);
      }
    }
    this.waiting.delete(key);
  }

  private next(key: string): readonly Waiter<T>[] {
    const calls = this.waiting.get(key) ?? [];
    this.waiting.set(key, []);
    return calls;
  }
}
