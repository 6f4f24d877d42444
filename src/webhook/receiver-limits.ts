/** Failures in a row that open a receiver's circuit. A receiver that fails one request in ten reaches it once in 10^10. */
export const CIRCUIT_FAILURES = 10;
/** How long an open circuit rests at first, and at most when its probes go on failing. */
export const FIRST_PAUSE_SECONDS = 30;
export const LONGEST_PAUSE_SECONDS = 900;
/** The most slots that a receiver with good answers can get. */
export const MAX_SLOTS = 32;
