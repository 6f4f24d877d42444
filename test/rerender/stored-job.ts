import type { JobColumns } from '../support/a-job.mjs';
import { aJob } from '../support/a-job.mjs';
import { findingReply, reply, twoPhotos } from '../assessment/fixtures.js';
import type { TestDatabase } from '../support/database.js';

export const OLD_ENGLISH = '<p>An older text.</p>';
export const OLD_GERMAN = '<p>Ein älterer Text.</p>';
export const OLD_FINNISH = '<p>Vanhempi teksti.</p>';
export const VISION_USAGE = { stage: 'vision', model: 'gpt-5.6-terra', input_tokens: 1200, cost_usd: 0.0031 };
export const TRANSLATION_USAGE = { stage: 'translation', model: 'gpt-5.6-luna', input_tokens: 90, cost_usd: 0.0002 };

/** A dent whose only photo does not show the door: a person should look at it. */
const ANSWER = reply({ findings: [findingReply({ photos: [2], viewpoint: 'front', severity: 'minor' })] });

export interface StoredJobOptions {
  readonly lots?: number;
  /** The model's answer to each lot. */
  readonly raw?: unknown;
  readonly columns?: JobColumns;
}

/**
 * A completed job in English, German, Finnish (translated, no glossary is shipped) and Swedish (English stands in), with the rows that
 * an older version left.
 */
export async function storedJob({ database }: TestDatabase, options: StoredJobOptions = {}): Promise<string> {
  const { lots = 1, raw = ANSWER, columns } = options;
  const id = await aJob(database, {
    status: 'completed',
    stage: 'done',
    languages: ['en', 'de', 'fi', 'sv'],
    totalLots: lots,
    processedLots: lots,
    costUsd: '0.0033',
    createdAt: new Date('2026-01-01T00:00:00Z'),
    completedAt: new Date('2026-01-01T01:00:00Z'),
    ...columns,
  });
  await database.execute(
    `insert into batch_lots (job_id, position, lot_id, status, processed_images, finished_at)
     select $1, i, 'lot-' || i, 'completed', 2, '2026-01-01T01:00:00Z' from generate_series(0, $2 - 1) i`,
    [id, lots],
  );
  await database.execute(
    `insert into batch_lot_inputs (job_id, position, images) select $1, i, $3 from generate_series(0, $2 - 1) i`,
    [id, lots, JSON.stringify(twoPhotos.map(({ url }) => url))],
  );
  const insert = (language: string, html: string, more: Record<string, unknown>) =>
    database.execute(
      `insert into batch_results (job_id, position, language, html, strings, fallback, assessment, raw, model,
         prompt_version, schema_version, response_id, usage, created_at)
       select $1, i, $3, $4, '{"blocks": []}', $5, $6, $7, $8, $9, $10, $11, $12, '2026-01-01T01:00:00Z'
       from generate_series(0, $2 - 1) i`,
      [
        id,
        lots,
        language,
        html,
        more['fallback'] ?? false,
        more['assessment'] ?? null,
        more['raw'] ?? null,
        'gpt-5.6-terra-2026-06-01',
        more['prompt'] ?? null,
        more['raw'] === undefined ? null : '1-0123abcd',
        more['usage'] === undefined ? null : `resp_${language}`,
        more['usage'] ?? null,
      ],
    );
  await insert('en', OLD_ENGLISH, {
    assessment: JSON.stringify({ model: 'gpt-5.6-terra-2026-06-01', prompt_version: 'vision-3', findings: [] }),
    raw: JSON.stringify(raw),
    prompt: 'vision-3',
    usage: JSON.stringify(VISION_USAGE),
  });
  await insert('de', OLD_GERMAN, { prompt: 'translation-2', usage: JSON.stringify(TRANSLATION_USAGE) });
  await insert('fi', OLD_FINNISH, { prompt: 'translation-2' });
  await insert('sv', OLD_ENGLISH, { fallback: true });
  return id;
}
