/**
 * The version of the API that this service speaks: every request must state it, and every answer and webhook repeats
 * it.
 */
export const API_VERSION = '1.0.0';
