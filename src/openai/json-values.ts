/** Tolerant reading of OpenAI's JSON: its spec and its real answers differ in what is null, "" or absent. */

export type JsonRecord = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A non-empty string, else undefined: `error_file_id` comes as "" or null where there is none. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A finite number, else undefined. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** A time given in unix seconds, else undefined. */
export function dateOf(value: unknown): Date | undefined {
  const seconds = numberOf(value);
  return seconds === undefined || seconds <= 0 ? undefined : new Date(seconds * 1000);
}

const WORD = /^(?=.*[A-Za-z])[\w.:/-]{1,64}$/;

/**
 * A code, else undefined. Gateways write the status ("400"), "None" or a sentence into the member, which does not tell
 * what is wrong, and would be shown to a client as the reason.
 */
export function wordOf(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.trim() : '';
  return WORD.test(text) && !/^(?:none|null|undefined)$/i.test(text) ? text : undefined;
}
