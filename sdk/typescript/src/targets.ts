import type { ResultsOptions } from './options.js';

export const GENERATE = '/api/v1/generate-descriptions';
export const PHOTO_CHECK = '/api/v1/photo-check';

type Value = string | number | boolean | readonly string[] | undefined;

/** A path with what is given of a query; several values of one member are written `code[]=…&code[]=…`. */
export function withQuery(path: string, members: Readonly<Record<string, Value>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(members)) {
    if (Array.isArray(value)) for (const each of value as string[]) query.append(`${name}[]`, each);
    else if (value !== undefined) query.append(name, String(value as string));
  }
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

export function statusTarget(jobId: string): string {
  return `/api/v1/batch-status/${encodeURIComponent(jobId)}`;
}

export function commandTarget(jobId: string, command: string): string {
  return `/api/v1/batch-jobs/${encodeURIComponent(jobId)}/${command}`;
}

export function resultsTarget(jobId: string, options: ResultsOptions, after = options.after): string {
  return withQuery(`/api/v1/batch-results/${encodeURIComponent(jobId)}`, { ...filterOf(options), after });
}

export function downloadTarget(
  jobId: string,
  options: ResultsOptions & { format: string; limit?: number },
  after = options.after,
): string {
  const { format, limit } = options;
  const path = `/api/v1/batch-results/${encodeURIComponent(jobId)}/download`;
  return withQuery(path, { format, ...filterOf(options), limit, after });
}

/** What chooses lots; `false` asks for no part of a running job, like nothing at all. */
function filterOf({ partial, status, code, needs_review, lot_id }: ResultsOptions): Record<string, Value> {
  return { partial: partial === true ? true : undefined, status, code, needs_review, lot_id };
}
