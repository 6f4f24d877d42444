import type { BatchJob } from '../../src/jobs/batch-job.entity.js';

/** The columns of batch_jobs by the names of their entity, so that a new column is known here at once. */
export type JobColumns = Partial<Readonly<Omit<BatchJob, 'languages' | 'totalImages' | 'processedImages'>>> & {
  readonly languages?: readonly string[];
  readonly totalImages?: number;
  readonly processedImages?: number;
};

export function aJob(
  db: { query(text: string, values: unknown[]): Promise<unknown> },
  columns?: JobColumns,
): Promise<string>;

export function jobsFrom(source: string, columns: { readonly [Column in keyof BatchJob]?: string }): string;
