import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/common/ids.js';
import { JobReader } from '../../src/jobs/job-reader.js';
import { LotResultReader } from '../../src/jobs/lot-result-reader.js';
import { renderLot } from '../../src/jobs/lot-result.js';
import { secretFingerprint } from '../../src/auth/key-ring.js';
import { OutboxStore } from '../../src/webhook/outbox-store.js';
import { secretOf, startPollingApp, type PollingApp } from '../polling/polling-app.js';
import { startReceiver } from '../webhook/support/receiver.js';
import { createRig } from '../webhook/support/rig.js';
import { rerenderOn, stoppedAfter } from './rig.js';
import { OLD_ENGLISH, OLD_FINNISH, OLD_GERMAN, storedJob, TRANSLATION_USAGE, VISION_USAGE } from './stored-job.js';

interface Lot {
  readonly descriptions: readonly { language: string; damages: string; fallback?: boolean }[];
  readonly needs_review?: { value: boolean; reasons: string[] };
}

const NEVER = new AbortController().signal;

// Real: PostgreSQL, HTTP on loopback, the answers' way from rows to texts. Faked: nothing but the clock of the sending side.
describe('a job that is written anew', () => {
  let polling: PollingApp;

  beforeAll(async () => {
    polling = await startPollingApp();
  });
  afterAll(() => polling.close());

  const rowsOf = (id: string, revision: number) =>
    polling.db.database.query<Record<string, unknown>>(
      `select position, language, html, fallback, assessment, needs_review, raw, model, prompt_version, schema_version,
         response_id, usage from batch_results where job_id = $1 and revision = $2 order by position, language`,
      [id, revision],
    );
  const jobRow = async (id: string) =>
    (await polling.db.database.query<Record<string, unknown>>('select * from batch_jobs where id = $1', [id]))[0];

  async function lotsOf(id: string): Promise<Lot[]> {
    const { body } = await polling.json(`/api/v1/batch-results/${id}`);
    return (body['results'] as { lots: Lot[] }).lots;
  }

  const texts = (lot: Lot | undefined) => lot?.descriptions.map(({ damages }) => damages) ?? [];

  it('shows new texts in the languages that have words, and in the others what it showed', async () => {
    const id = await storedJob(polling.db);
    expect(texts((await lotsOf(id))[0])).toEqual([OLD_ENGLISH, OLD_GERMAN, OLD_FINNISH, OLD_ENGLISH]);
    await expect(rerenderOn(polling.db).rerender(id, NEVER)).resolves.toEqual({ revision: 1, lots: 1, kept: 0 });
    const [lot] = await lotsOf(id);
    const [english, german, finnish, swedish] = texts(lot);
    expect(english).toContain('Left front door');
    expect(german).toContain('Tür vorn links');
    expect(finnish).toBe(OLD_FINNISH);
    // English stood in for a translation that did not come: it is the new English now.
    expect(swedish).toBe(english);
    expect(lot?.descriptions[3]).toMatchObject({ language: 'sv', fallback: true });
  });

  it('has the client’s own words that it began with, in the glossaries of today', async () => {
    await polling.db.database.execute(
      `insert into client_word_versions (version, words, created_at) values ('own', '{"de":{"parts.door":"Pforte"}}', now())`,
    );
    const id = await storedJob(polling.db, { columns: { clientWords: 'own' } });
    await rerenderOn(polling.db).rerender(id, NEVER);
    const [english, german] = texts((await lotsOf(id))[0]);
    expect(english).toContain('Left front door');
    expect(german).toContain('Pforte vorn links');
  });

  it('says whether a person should look at it, which its first revision does not', async () => {
    const id = await storedJob(polling.db);
    expect((await lotsOf(id))[0]).not.toHaveProperty('needs_review');
    await rerenderOn(polling.db).rerender(id, NEVER);
    const review = { value: true, reasons: expect.arrayContaining(['part_not_visible']) as string[] };
    expect((await lotsOf(id))[0]).toMatchObject({ needs_review: review });
    const csv = await (await polling.send(`/api/v1/batch-results/${id}/download?format=csv`)).text();
    expect(csv.split('\r\n')[1]).toMatch(/true: .*part_not_visible/);
    const lines = await (await polling.send(`/api/v1/batch-results/${id}/download?format=ndjson`)).text();
    expect(JSON.parse(lines)).toEqual((await lotsOf(id))[0]);
  });

  it('keeps its first rows, what it cost, when it ended, and which model answered which prompt', async () => {
    const id = await storedJob(polling.db, { columns: { options: { include: ['usage', 'assessment'] } } });
    const [rows, job] = [await rowsOf(id, 0), await jobRow(id)];
    await rerenderOn(polling.db).rerender(id, NEVER);
    expect(await rowsOf(id, 0)).toEqual(rows);
    const after = await jobRow(id);
    expect(after).toEqual({
      ...job,
      revision: 1,
      version: (job?.['version'] as number) + 1,
      updated_at: after?.['updated_at'],
    });
    expect((await lotsOf(id))[0]).toMatchObject({
      usage: [VISION_USAGE, TRANSLATION_USAGE],
      assessment: { model: 'gpt-5.6-terra-2026-06-01', prompt_version: 'vision-3' },
    });
    const [german, english] = await rowsOf(id, 1);
    expect(english).toMatchObject({ language: 'en', raw: null, prompt_version: 'vision-3', response_id: 'resp_en' });
    expect(german).toMatchObject({ language: 'de', response_id: 'resp_de', usage: TRANSLATION_USAGE });
  });

  it('is written anew from the first answer each time', async () => {
    const id = await storedJob(polling.db);
    await rerenderOn(polling.db).rerender(id, NEVER);
    const first = await lotsOf(id);
    await expect(rerenderOn(polling.db).rerender(id, NEVER)).resolves.toMatchObject({ revision: 2, lots: 1 });
    expect(await lotsOf(id)).toEqual(first);
  });

  it('changes the tag of its status, so that who has seen it sees it anew', async () => {
    const id = await storedJob(polling.db);
    const tagOf = async () => (await polling.send(`/api/v1/batch-status/${id}`)).headers.get('etag') as string;
    const before = await tagOf();
    await rerenderOn(polling.db).rerender(id, NEVER);
    expect(await tagOf()).not.toBe(before);
    const again = await polling.send(`/api/v1/batch-status/${id}`, { headers: { 'If-None-Match': before } });
    expect(again.status).toBe(200);
  });

  it('keeps a lot as it is whose answer cannot be read, and the job if there is no other', async () => {
    const id = await storedJob(polling.db, { lots: 3 });
    await polling.db.database.execute(
      `update batch_results set raw = '{"rows": 1}' where job_id = $1 and position = 1 and language = 'en'`,
      [id],
    );
    await expect(rerenderOn(polling.db).rerender(id, NEVER)).resolves.toEqual({ revision: 1, lots: 2, kept: 1 });
    const lots = await lotsOf(id);
    expect(texts(lots[1])).toEqual([OLD_ENGLISH, OLD_GERMAN, OLD_FINNISH, OLD_ENGLISH]);
    expect(lots[1]).not.toHaveProperty('needs_review');
    expect(texts(lots[2])[1]).toContain('Tür vorn links');
    const unreadable = await storedJob(polling.db, { raw: null });
    await expect(rerenderOn(polling.db).rerender(unreadable, NEVER)).rejects.toThrow('No lot of job');
    expect(await jobRow(unreadable)).toMatchObject({ revision: 0, lock_token: null });
  });

  it('shows nothing of what was written when it is stopped, and everything once it is written again', async () => {
    const id = await storedJob(polling.db, { lots: 250 });
    const before = await lotsOf(id);
    const stopped = stoppedAfter(polling.db, 1);
    await expect(stopped.rerender.rerender(id, stopped.signal)).rejects.toThrow('stopped');
    expect(new Set((await rowsOf(id, 1)).map(({ position }) => position)).size).toBe(100);
    expect(await lotsOf(id)).toEqual(before);
    // Other code may have written what the next run does not: a language, or a lot that it keeps.
    await polling.db.database.execute(
      `insert into batch_results (job_id, position, language, revision, html, strings, created_at)
       values ($1, 7, 'fi', 1, '<p>half-made</p>', '[]', now()), ($1, 249, 'fi', 1, '<p>half-made</p>', '[]', now())`,
      [id],
    );
    await expect(rerenderOn(polling.db).rerender(id, NEVER)).resolves.toEqual({ revision: 1, lots: 250, kept: 0 });
    const after = await lotsOf(id);
    expect(after).toHaveLength(250);
    for (const lot of after) {
      expect(texts(lot)[1]).toContain('Tür vorn links');
      expect(texts(lot)[2]).toBe(OLD_FINNISH);
    }
  });

  it('goes on as it began to whoever reads it meanwhile', async () => {
    const id = await storedJob(polling.db, { lots: 700 });
    const reader = new LotResultReader(polling.db.database);
    const job = await new JobReader(polling.db.database).find(id, 'acme');
    const pages = reader.readPages(job);
    const read: string[] = [];
    const take = async () => {
      const { value } = await pages.next();
      for (const lot of value ?? []) read.push(renderLot(lot, job));
      return value !== undefined;
    };
    await take();
    await rerenderOn(polling.db).rerender(id, NEVER);
    while (await take());
    expect(read).toHaveLength(700);
    for (const lot of read) expect(lot).toContain(OLD_ENGLISH);
    for (const lot of await lotsOf(id)) expect(texts(lot)[0]).not.toBe(OLD_ENGLISH);
  });

  it('is sent again as it was sent when it ended', async () => {
    const receiver = await startReceiver();
    const rig = await createRig({ db: polling.db, settings: { keys: { acme: [secretOf('acme')] } } });
    try {
      const id = await storedJob(polling.db, {
        lots: 3,
        columns: {
          status: 'processing',
          completedAt: null,
          webhookUrl: `${receiver.origin}/hook`,
          secretFingerprint: secretFingerprint(secretOf('acme')),
        },
      });
      await rig.end(id);
      await rig.sendDue();
      const deliveries = () =>
        polling.db.database.query('select id, status, revision from webhook_deliveries where job_id = $1', [id]);
      const before = await deliveries();
      await rerenderOn(polling.db).rerender(id, NEVER);
      expect(await deliveries()).toEqual(before);
      await rig.sendDue();
      expect(receiver.requests).toHaveLength(1);
      const outbox = rig.module.get(OutboxStore, { strict: false });
      await polling.db.database.transaction((tx) => outbox.sendAllAgain(tx, id, rig.clock.date()));
      await rig.sendDue();
      const [first, second] = receiver.requests;
      expect(second?.body.toString()).toBe(first?.body.toString());
      expect(second?.body.toString()).toContain('An older text.');
      expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    } finally {
      await rig.close();
      await receiver.close();
    }
  });

  it.each(['pending', 'processing', 'translating'] as const)('is refused while it is %s', async (status) => {
    const id = await storedJob(polling.db, { columns: { status, completedAt: null } });
    await expect(rerenderOn(polling.db).rerender(id, NEVER)).rejects.toThrow(
      `Job ${id} is ${status}. Only a job that has ended`,
    );
    expect(await rowsOf(id, 1)).toEqual([]);
  });

  it('is refused when there is none, and when its removal has begun', async () => {
    await expect(rerenderOn(polling.db).rerender(newId(), NEVER)).rejects.toThrow('There is no job');
    await expect(rerenderOn(polling.db).rerender('11-12345', NEVER)).rejects.toThrow('no job id');
    const id = await storedJob(polling.db, { columns: { keyId: '' } });
    await expect(rerenderOn(polling.db).rerender(id, NEVER)).rejects.toThrow('There is no job');
  });

  it('is left to the process that is at it, and taken from one that is gone', async () => {
    const id = await storedJob(polling.db);
    const held = (seconds: number) =>
      polling.db.database.execute(
        `update batch_jobs set lock_token = gen_random_uuid(), locked_until = clock_timestamp() + $2 * interval '1 second'
         where id = $1`,
        [id, seconds],
      );
    await held(60);
    const alive = rerenderOn(polling.db, () => held(60));
    await expect(alive.rerender(id, NEVER)).rejects.toThrow('Another process');
    await held(0.2);
    await expect(rerenderOn(polling.db).rerender(id, NEVER)).resolves.toMatchObject({ revision: 1 });
  });
});
