/** How often the model is asked for one language within a day, whatever became of it. */
export const TRIES_A_DAY = 3;
const FIRST_REST_SECONDS = 3_600;
const LONGEST_REST_SECONDS = 86_400;

/** How long a language rests after so many failed tries in a row: an hour, then twice as long each time, a day at most. */
export function restSeconds(failures: number): number {
  return Math.min(LONGEST_REST_SECONDS, FIRST_REST_SECONDS * 2 ** Math.max(0, failures - 1));
}

/** What is known of a language's glossary. */
export type GlossaryProgress =
  | { readonly state: 'made'; readonly version: string }
  /** It is being made, or will be as soon as a process is free. */
  | { readonly state: 'awaited' }
  /** The last try failed; nobody asks again before the rest is over and somebody wants it anew. */
  | { readonly state: 'failed' }
  /** Nobody has asked for it. */
  | { readonly state: 'unknown' };
