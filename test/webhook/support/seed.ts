import { secretFingerprint } from '../../../src/auth/key-ring.js';
import type { Database } from '../../../src/database/database.service.js';
import type { JobOptions } from '../../../src/jobs/batch-job.entity.js';
import type { JobMode, JobStatus } from '../../../src/jobs/states.js';
import { aJob } from '../../support/a-job.mjs';

export const SECRET = 'dev-shared-key-0123456789abcdef012345';

export interface SeededJob {
  readonly lots?: number;
  readonly status?: JobStatus;
  readonly mode?: JobMode;
  readonly handedOver?: boolean;
  readonly webhookUrl?: string | null;
  /** A lot's own address by position. */
  readonly webhooks?: (position: number) => string | null;
  readonly lotStatus?: (position: number) => 'pending' | 'completed' | 'failed';
  readonly html?: (position: number, language: string) => string;
  readonly languages?: readonly string[];
  readonly keyId?: string;
  readonly secret?: string;
  readonly options?: JobOptions;
  readonly metadata?: Record<string, string>;
  /** As jobs are made by now; false as they were before lots said whether they need a review. */
  readonly showsReview?: boolean;
}

/** Writes a running job with its lots and results as the stages would have, and returns its id. */
export async function seedJob(database: Database, job: SeededJob = {}): Promise<string> {
  const { lots = 1, languages = ['en', 'ru'] } = job;
  const positions = Array.from({ length: lots }, (_, position) => position);
  const status = job.lotStatus ?? (() => 'completed' as const);
  const statuses = positions.map(status);
  const html = job.html ?? ((position, language) => `<p>Lot ${position} — повреждение (${language})</p>`);
  const id = await aJob(database, {
    keyId: job.keyId ?? 'default',
    secretFingerprint: secretFingerprint(job.secret ?? SECRET),
    mode: job.mode ?? 'batch',
    status: job.status ?? 'processing',
    stage: 'finishing',
    languages,
    webhookUrl: job.webhookUrl ?? null,
    options: job.options ?? {},
    metadata: job.metadata ?? {},
    totalLots: lots,
    processedLots: statuses.filter((each) => each === 'completed').length,
    failedLots: statuses.filter((each) => each === 'failed').length,
    lotWebhooks: job.webhooks !== undefined,
    showsReview: job.showsReview ?? false,
    handedOverAt: job.handedOver === true ? new Date() : null,
  });
  await database.execute(
    `insert into batch_lots (job_id, position, lot_id, status, error, processed_images, rendered_bytes, finished_at)
     select $1, p.position, 'lot-' || p.position, p.status,
       case when p.status = 'failed' then '{"code": "NO_IMAGES", "message": "no photo"}'::jsonb end,
       case when p.status = 'completed' then 3 else 0 end, p.bytes,
       case when p.status <> 'pending' then timestamptz '2026-03-01T11:59:00Z' end
     from unnest($2::int[], $3::text[], $4::int[]) as p (position, status, bytes)`,
    [
      id,
      positions,
      statuses,
      positions.map((position) =>
        statuses[position] === 'completed'
          ? 160 + languages.reduce((sum, language) => sum + Buffer.byteLength(html(position, language)) + 30, 0)
          : 0,
      ),
    ],
  );
  await database.execute(
    `insert into batch_lot_inputs (job_id, position, images, webhook)
     select $1, p.position, '["https://cdn.test/1.jpg"]', p.webhook
     from unnest($2::int[], $3::text[]) as p (position, webhook)`,
    [id, positions, positions.map((position) => job.webhooks?.(position) ?? null)],
  );
  const completed = positions.filter((position) => statuses[position] === 'completed');
  for (const language of languages) {
    await database.execute(
      `insert into batch_results (job_id, position, language, html, strings, created_at)
       select $1, p.position, $2, p.html, '[]', now() from unnest($3::int[], $4::text[]) as p (position, html)`,
      [id, language, completed, completed.map((position) => html(position, language))],
    );
  }
  return id;
}
