/** What a span says besides its name: ids, counts, closed lists of words. Never a client's text, an address or a secret. */
export type SpanFacts = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanPlace {
  /** `client`: a request to another server. */
  readonly kind?: 'client';
  /** Begins a trace of its own, whoever has woken the work: a batch is not a part of the request that is answered meanwhile. */
  readonly root?: boolean;
}

/** What makes spans; see `tracing/`. */
export interface Tracing {
  inSpan<T>(name: string, facts: SpanFacts, work: () => Promise<T>, place: SpanPlace): Promise<T>;
  note(facts: SpanFacts): void;
  noteOnRequest(facts: SpanFacts): void;
  outside(work: () => void): void;
  traceId(): string | undefined;
}

let tracing: Tracing | undefined;

/** Switches spans on for the process, or off. Without it every function here only does its work. */
export function traceWith(made: Tracing | undefined): void {
  tracing = made;
}

/**
 * Does work inside a span. Its `job.id`, if it has one, is on every span below it too.
 * @param name - one of few: backends keep a list of all names
 */
export function inSpan<T>(name: string, facts: SpanFacts, work: () => Promise<T>, place: SpanPlace = {}): Promise<T> {
  return tracing === undefined ? work() : tracing.inSpan(name, facts, work, place);
}

/** Adds facts to the span that the caller runs in. */
export function noteOnSpan(facts: SpanFacts): void {
  tracing?.note(facts);
}

/** Adds facts to the span of the HTTP request that the caller runs in. */
export function noteOnRequest(facts: SpanFacts): void {
  tracing?.noteOnRequest(facts);
}

/** Starts work that is no part of what its caller does, although the caller causes it. */
export function outsideSpans(work: () => void): void {
  if (tracing === undefined) work();
  else tracing.outside(work);
}

/** The running trace's id, for the log; undefined outside of one. */
export function currentTraceId(): string | undefined {
  return tracing?.traceId();
}
