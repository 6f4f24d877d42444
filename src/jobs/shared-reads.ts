/**
 * Lets callers that ask for the same value at the same time share one read: at most one read runs and one waits. A read
 * never serves a caller that asked after it began, so each caller sees everything that was committed before it asked.
 */
export class SharedReads<V> {
  private readonly running = new Map<string, Running<V>>();

  get(key: string, read: () => Promise<V>): Promise<V> {
    const running = this.running.get(key);
    if (running === undefined) return this.begin(key, read);
    running.next ??= running.over.then(() => this.begin(key, read));
    return running.next;
  }

  private begin(key: string, read: () => Promise<V>): Promise<V> {
    const answer = read();
    const over = answer.then(
      () => undefined,
      () => undefined,
    );
    const running: Running<V> = { over, next: undefined };
    this.running.set(key, running);
    void over.then(() => {
      if (running.next === undefined) this.running.delete(key);
    });
    return answer;
  }
}

interface Running<V> {
  /** Resolves when the read has ended, also if it failed. */
  readonly over: Promise<void>;
  next: Promise<V> | undefined;
}
