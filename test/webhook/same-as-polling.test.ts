import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobOptions } from '../../src/jobs/batch-job.entity.js';
import { secretOf, startPollingApp, type PollingApp } from '../polling/polling-app.js';
import { startReceiver, type Receiver } from './support/receiver.js';
import { createRig, type Rig } from './support/rig.js';
import { seedJob, type SeededJob } from './support/seed.js';

/** As a model's answer may be stored: spaces and a line break between tokens, a float, other scripts, escapes. */
const ASSESSMENT =
  '{"rows": [{"part": "bumper_front", "type": "dent", "severity": "moderate",\n "share": 1.0, "evidence": "Вмятина, \\"deep\\" 🚗"}]}';
const VISION_USAGE = '{"stage": "vision", "model": "m-1", "input_tokens": 1200, "cost_usd": 0.00310}';
const TRANSLATION_USAGE = '[{"stage": "translation", "model": "m-2", "input_tokens": 90, "cost_usd": 1e-5}]';

const NEEDS_REVIEW = { value: true, reasons: ['photo_not_sent', 'listing_mismatch'] };

const LOTS_BEGIN = '"lots":[';

// Real: PostgreSQL, HTTP on loopback in both directions, guards. Faked: the clock of the sending side.
describe('the lots of a webhook and of batch-results', () => {
  let polling: PollingApp;
  let rig: Rig;
  let receiver: Receiver;

  beforeAll(async () => {
    polling = await startPollingApp();
    rig = await createRig({ db: polling.db, settings: { keys: { acme: [secretOf('acme')] } } });
    receiver = await startReceiver();
  });
  afterAll(async () => {
    await receiver.close();
    await rig.close();
    await polling.close();
  });

  async function endedJob(job: SeededJob): Promise<string> {
    const { database } = rig.db;
    const client = { keyId: 'acme', secret: secretOf('acme'), webhookUrl: `${receiver.origin}/hook` };
    const id = await seedJob(database, { ...client, ...job });
    // The source of every translation is stored, asked for or not.
    await database.execute(
      `insert into batch_results (job_id, position, language, html, strings, created_at)
       select job_id, position, 'en', '<p>Lot</p>', '[]', now() from batch_lots where job_id = $1
       on conflict do nothing`,
      [id],
    );
    if (job.showsReview === true) {
      await database.execute(`update batch_results set needs_review = $2::json where job_id = $1 and language = 'en'`, [
        id,
        JSON.stringify(NEEDS_REVIEW),
      ]);
    }
    await database.execute(
      `update batch_results set assessment = case when language = 'en' then $2::json end,
         usage = case when language = 'en' then $3::json when language = 'ru' then $4::json end where job_id = $1`,
      [id, ASSESSMENT, VISION_USAGE, TRANSLATION_USAGE],
    );
    await rig.end(id);
    return id;
  }

  /** What both say of the job's lots, as text: the webhook's to its last byte, and the whole of the polled answer. */
  async function bothOf(job: SeededJob): Promise<{ sent: string; polled: string; lots: Record<string, unknown>[] }> {
    const id = await endedJob(job);
    await rig.sendDue();
    const body = receiver.requests.at(-1)?.body.toString() ?? '';
    const { job_id, lots } = JSON.parse(body) as { job_id: string; lots: Record<string, unknown>[] };
    expect(job_id).toBe(id);
    const response = await polling.send(`/api/v1/batch-results/${id}`);
    return { sent: body.slice(body.indexOf(LOTS_BEGIN)), polled: await response.text(), lots };
  }

  const both: JobOptions = { include: ['assessment', 'usage'] };
  const jobs: [string, SeededJob][] = [
    ['read many at once', { lots: 3, languages: ['en', 'ru'], options: both }],
    [
      'read page by page',
      { lots: 3, languages: ['en', 'ru'], options: both, html: () => `<p>${'x'.repeat(20_000)}</p>` },
    ],
  ];

  it.each(jobs)(
    'the lots of a webhook and of batch-results are the same bytes with findings and usage, %s',
    async (_how, job) => {
      const { sent, polled, lots } = await bothOf(job);
      expect(polled).toContain(sent.slice(0, -1));
      expect(lots).toHaveLength(3);
      for (const lot of lots) {
        expect(lot).toMatchObject({
          assessment: JSON.parse(ASSESSMENT),
          usage: [JSON.parse(VISION_USAGE), ...(JSON.parse(TRANSLATION_USAGE) as unknown[])],
        });
      }
      // Numbers keep the digits with which they were stored.
      expect(sent).toContain('"cost_usd": 0.00310');
      expect(sent).toContain('"share": 1.0');
    },
  );

  it('the lots of a webhook and of batch-results are the same bytes with findings whose English nobody asked for', async () => {
    const { sent, polled, lots } = await bothOf({ languages: ['ru'], options: { include: ['assessment'] } });
    expect(polled).toContain(sent.slice(0, -1));
    expect(lots[0]).toMatchObject({ assessment: JSON.parse(ASSESSMENT) });
    expect(lots[0]).not.toHaveProperty('usage');
  });

  it.each([['en'], ['ru']])(
    'both say of every lot whether it needs a review, whatever was asked for (%s)',
    async (language) => {
      const { sent, polled, lots } = await bothOf({
        lots: 2,
        languages: [language],
        showsReview: true,
        lotStatus: (position) => (position === 0 ? 'completed' : 'failed'),
      });
      expect(polled).toContain(sent.slice(0, -1));
      expect(lots).toMatchObject([{ needs_review: NEEDS_REVIEW }, { needs_review: { value: false, reasons: [] } }]);
    },
  );

  it('the lots of a webhook and of batch-results carry neither unless asked', async () => {
    const { sent, polled, lots } = await bothOf({ languages: ['en', 'ru'] });
    expect(polled).toContain(sent.slice(0, -1));
    expect(lots[0]).not.toHaveProperty('assessment');
    expect(lots[0]).not.toHaveProperty('usage');
  });
});
