/**
 * Remembers one read for a while, so that one query serves all who ask within that time. Failed reads are remembered
 * too.
 */
export class RecentValue<T> {
  private latest: { readonly at: number; readonly value: Promise<T> } | undefined;

  /** @param maxAgeMs - how old a value may be, in milliseconds since its read began */
  constructor(
    private readonly maxAgeMs: number,
    private readonly read: () => Promise<T>,
  ) {}

  get(): Promise<T> {
    const now = performance.now();
    if (this.latest === undefined || now - this.latest.at > this.maxAgeMs) {
      this.latest = { at: now, value: this.read() };
    }
    return this.latest.value;
  }
}
