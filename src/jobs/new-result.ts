import { storableJson, storableName, storableText } from '../database/storable-text.js';

/** One language's description as it is written. */
export interface NewResult {
  readonly language: string;
  readonly html: string;
  readonly strings: unknown;
  readonly fallback: boolean;
  readonly assessment?: unknown;
  readonly raw?: unknown;
  readonly model: string | null;
  readonly promptVersion: string | null;
  readonly schemaVersion: string | null;
  readonly responseId: string | null;
  readonly usage: unknown;
}

/**
 * The description as PostgreSQL can hold it and every reader can read it. A model, or whatever stands before it, may
 * put U+0000 or half of a surrogate pair into any text of an answer: that is no reason to lose an answer that is paid
 * for. What cannot be stored is taken out.
 */
export function storable(result: NewResult): NewResult {
  return {
    ...withStorableNames(result),
    html: storableText(result.html),
    strings: storableJson(result.strings),
    assessment: storableJson(result.assessment),
    raw: storableJson(result.raw),
    usage: storableJson(result.usage),
  };
}

/** The names and ids that an answer tells of itself, cut to what names are. */
export function withStorableNames(result: NewResult): NewResult {
  const name = (text: string | null) => (text === null ? null : storableName(text));
  return { ...result, model: name(result.model), responseId: name(result.responseId) };
}

/** The parameters of a statement that is put together from parts. */
export class Values {
  readonly list: unknown[];

  constructor(...first: unknown[]) {
    this.list = first;
  }

  add(value: unknown): string {
    return `$${this.list.push(value)}`;
  }
}

/** Inserts descriptions for the row of the CTE `job`, if it is there. */
export function insertResults(values: Values, described: readonly NewResult[]): string {
  const results = described.map(storable);
  const json = (value: unknown) => (value === undefined || value === null ? null : JSON.stringify(value));
  const columns: readonly [string, readonly unknown[]][] = [
    ['text', results.map((result) => result.language)],
    ['text', results.map((result) => result.html)],
    ['json', results.map((result) => json(result.strings))],
    ['boolean', results.map((result) => result.fallback)],
    ['json', results.map((result) => json(result.assessment))],
    ['json', results.map((result) => json(result.raw))],
    ['text', results.map((result) => result.model)],
    ['text', results.map((result) => result.promptVersion)],
    ['text', results.map((result) => result.schemaVersion)],
    ['text', results.map((result) => result.responseId)],
    ['json', results.map((result) => json(result.usage))],
  ];
  const arrays = columns.map(([type, list]) => `${values.add(list)}::${type}[]`).join(', ');
  return `insert into batch_results (job_id, position, revision, created_at, language, html, strings, fallback, assessment,
      raw, model, prompt_version, schema_version, response_id, usage)
    select job.id, 0, 0, now(), r.* from job, unnest(${arrays}) as r
    on conflict do nothing`;
}
