/**
 * The prompt cache of models with breakpoints. By default such a model ends a prefix after the whole request: every lot would pay
 * for writing its photos to a cache that nobody reads, and find nothing of the lots before it.
 */

export interface CacheOptions {
  readonly mode: 'explicit';
}

/** Nothing is cached but what ends at a breakpoint of ours. */
export const CACHE_ONLY_AT_BREAKPOINTS: CacheOptions = { mode: 'explicit' };

/** Marks the part at whose end a prefix ends that later requests read again. */
export const CACHE_BREAKPOINT = { mode: 'explicit' } as const;
