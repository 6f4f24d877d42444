/**
 * Lets those who ask for the same while it is being read share the next read of it: however many ask, one runs and one waits.
 * A read serves nobody who asked after it began, so it sees everything that was committed before it was asked for.
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
  /** Resolves with its end, whatever came of it. */
  readonly over: Promise<void>;
  next: Promise<V> | undefined;
}
