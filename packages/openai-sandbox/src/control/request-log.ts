/** One request that reached the sandbox, as GET /sandbox/log shows it. */
export interface LogEntry {
  readonly number: number;
  readonly request_id: string;
  /** RFC 3339, the wall clock's time. */
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly user_agent: string;
  route: string;
  model: string | null;
  body_bytes: number;
  /** The body as it came, cut to the configured length; null when it was not kept. */
  body: string | null;
  status: number | null;
  /** `aborted`: the client disconnected before the answer was sent. `lost`: a fault kept the answer back. */
  outcome: 'running' | 'answered' | 'aborted' | 'lost';
  duration_ms: number | null;
  faults: string[];
}

const MOST_ENTRIES = 20_000;
const MOST_BODY_CHARACTERS = 32 * 1024 * 1024;

/** The requests that reached the sandbox, newest kept, and counters that are never cut. */
export class RequestLog {
  private entries: LogEntry[] = [];
  private bodies: LogEntry[] = [];
  private bodyCharacters = 0;
  private number = 0;
  private counts = new Map<string, number>();

  constructor(private readonly bodyBytes: number) {}

  add(entry: Omit<LogEntry, 'number'>): LogEntry {
    const added = { ...entry, number: ++this.number };
    this.entries.push(added);
    if (this.entries.length > MOST_ENTRIES * 1.1) this.entries = this.entries.slice(-MOST_ENTRIES);
    return added;
  }

  /** Keeps the beginning of a body; the oldest bodies go first when all together become too many. */
  keepBody(entry: LogEntry, text: string): void {
    if (this.bodyBytes === 0) return;
    entry.body = text.length > this.bodyBytes ? text.slice(0, this.bodyBytes) : text;
    this.bodies.push(entry);
    this.bodyCharacters += entry.body.length;
    while (this.bodyCharacters > MOST_BODY_CHARACTERS) {
      const oldest = this.bodies.shift();
      if (oldest === undefined) break;
      this.bodyCharacters -= oldest.body?.length ?? 0;
      oldest.body = null;
    }
  }

  /** Counts under a name such as `responses gpt-5.6-luna translation`. */
  count(name: string, by = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + by);
  }

  /** Entries from a number on, oldest first. */
  list(options: { after: number; limit: number; path: string | null }): LogEntry[] {
    return this.entries
      .filter((entry) => entry.number > options.after && (options.path === null || entry.path.startsWith(options.path)))
      .slice(-options.limit);
  }

  counters(): Record<string, number> {
    return Object.fromEntries([...this.counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  clear(): void {
    this.entries = [];
    this.bodies = [];
    this.bodyCharacters = 0;
    this.counts = new Map();
  }
}
