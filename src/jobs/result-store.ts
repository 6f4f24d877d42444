import { copyRows } from '../database/copy-rows.js';
import type { Sql, Transaction } from '../database/database.service.js';
import type { Values } from '../database/values.js';
import type { StoredResult } from './new-result.js';
import { RESULT_COLUMNS } from './result-rows.js';

const UNIQUE_VIOLATION = '23505';

/**
 * SQL condition: the row is a lot's first English row, from which translations are made.
 * @param alias - of batch_results
 */
export function isEnglishSource(alias: string): string {
  return `${alias}.language = 'en' and ${alias}.revision = 0`;
}

/** SQL that inserts descriptions for the job in the CTE `job`, if that has a row. */
export function insertResults(values: Values, results: readonly StoredResult[]): string {
  const columns: readonly [string, readonly unknown[]][] = [
    ['text', results.map((result) => result.language)],
    ['text', results.map((result) => result.html)],
    ['json', results.map((result) => result.strings)],
    ['boolean', results.map((result) => result.fallback)],
    ['json', results.map((result) => result.assessment)],
    ['json', results.map((result) => result.needsReview)],
    ['json', results.map((result) => result.raw)],
    ['text', results.map((result) => result.model)],
    ['text', results.map((result) => result.promptVersion)],
    ['text', results.map((result) => result.schemaVersion)],
    ['text', results.map((result) => result.responseId)],
    ['json', results.map((result) => result.usage)],
  ];
  const arrays = columns.map(([type, list]) => `${values.add(list)}::${type}[]`).join(', ');
  return `insert into batch_results (job_id, position, revision, created_at, language, html, strings, fallback, assessment,
      needs_review, raw, model, prompt_version, schema_version, response_id, usage)
    select job.id, 0, 0, now(), r.* from job, unnest(${arrays}) as r
    on conflict do nothing`;
}

/** The assessment of a lot with the glossaries of texts that came later. */
export interface LateAssessment {
  readonly position: number;
  readonly assessment: unknown;
}

/** Writes down the glossaries of late texts, in the transaction that completes their lots: before it nobody has seen the row. */
export async function completeAssessments(tx: Sql, jobId: string, late: readonly LateAssessment[]): Promise<void> {
  if (late.length === 0) return;
  await tx.execute(
    `update batch_results r set assessment = late.assessment::json
     from unnest($2::int[], $3::text[]) as late (position, assessment)
     where r.job_id = $1 and r.position = late.position and ${isEnglishSource('r')}`,
    [jobId, late.map(({ position }) => position), late.map(({ assessment }) => JSON.stringify(assessment))],
  );
}

/**
 * Writes rows that {@link ResultRows} encoded straight into the table by COPY. If some of them are there already, which
 * is not expected, they go through a temporary table instead.
 */
export async function copyResults(tx: Transaction, rows: readonly Buffer[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.execute('savepoint results');
  try {
    await copyRows(tx.client, `batch_results ${RESULT_COLUMNS}`, rows);
    await tx.execute('release savepoint results');
  } catch (error) {
    if ((error as { code?: unknown }).code !== UNIQUE_VIOLATION) throw error;
    await tx.execute('rollback to savepoint results');
    await tx.execute('create temp table copied_results (like batch_results) on commit drop');
    await copyRows(tx.client, `copied_results ${RESULT_COLUMNS}`, rows);
    await tx.execute('insert into batch_results select * from copied_results on conflict do nothing');
  }
}
