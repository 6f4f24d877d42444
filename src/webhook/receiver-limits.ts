/** Failures in a row that open a receiver's circuit; one answer in ten failing reaches it once in 10^10 attempts. */
export const CIRCUIT_FAILURES = 10;
/** How long an open circuit rests at first, and at most when its probes go on failing. */
export const FIRST_PAUSE_SECONDS = 30;
export const LONGEST_PAUSE_SECONDS = 900;
/** What a receiver that answers well works its way up to. */
export const MAX_SLOTS = 32;
