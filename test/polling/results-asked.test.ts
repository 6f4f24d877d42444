import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LotResultReader } from '../../src/jobs/lot-result-reader.js';
import { cursorAt } from '../../src/polling/results-cursor.js';
import { insertCompletedLots, insertJob, insertLot, insertResult, type JobFixture } from '../jobs/fixtures.js';
import { startPollingApp, type PollingApp } from './polling-app.js';

const REVIEW = { value: true, reasons: ['photo_unusable'] };
const NO_REVIEW = { value: false, reasons: [] };
const FORMATS = ['json', 'ndjson', 'csv'] as const;
type Format = (typeof FORMATS)[number];

/** Real: HTTP, guard, PostgreSQL. Faked: nothing. */
describe('results that are asked for', () => {
  let polling: PollingApp;
  let job: JobFixture;

  beforeAll(async () => {
    polling = await startPollingApp();
  });
  afterAll(() => polling.close());

  const path = (query: string, format: Format = 'json') =>
    `/api/v1/batch-results/${job.id}/download?format=${format}${query === '' ? '' : `&${query}`}`;

  /** The lot_ids of an answer in any format. */
  function idsOf(text: string, format: Format): string[] {
    if (format === 'json')
      return (JSON.parse(text) as { results: { lots: { lot_id: string }[] } }).results.lots.map(({ lot_id }) => lot_id);
    const lines = text.split(/\r?\n/).filter((line) => line !== '');
    if (format === 'ndjson') return lines.map((line) => (JSON.parse(line) as { lot_id: string }).lot_id);
    return [...new Set(lines.slice(1).map((line) => line.split(',')[1] ?? ''))];
  }

  async function ask(query: string, format: Format = 'json') {
    const response = await polling.send(path(query, format));
    const text = await response.text();
    expect([query, response.status]).toEqual([query, 200]);
    return { ids: idsOf(text, format), text, next: response.headers.get('x-next-cursor'), headers: response.headers };
  }

  const ids = async (query: string) => (await ask(query)).ids;

  /** Six lots of a cancelled job, one of each kind. */
  beforeEach(async () => {
    const { database } = polling.db;
    job = await insertJob(database, {
      status: 'cancelled',
      stage: 'done',
      totalLots: 6,
      processedLots: 2,
      failedLots: 2,
      awaitingVision: 2,
      languages: ['en', 'ru'],
      showsReview: true,
      cancelledAt: new Date('2026-01-01T00:01:00Z'),
    });
    await insertLot(database, job.id, 0, { lotId: 'fine' });
    await insertLot(database, job.id, 1, {
      lotId: 'refused',
      status: 'failed',
      error: { code: 'REFUSED', message: 'no' },
    });
    await insertLot(database, job.id, 2, { lotId: 'cut', status: 'translating' });
    await insertLot(database, job.id, 3, { lotId: 'look' });
    await insertLot(database, job.id, 4, {
      lotId: 'gone',
      status: 'failed',
      error: { code: 'IMAGE_UNREACHABLE', message: 'no' },
    });
    await insertLot(database, job.id, 5, { lotId: 'waits', status: 'pending' });
    for (const [position, needsReview] of [
      [0, NO_REVIEW],
      [3, REVIEW],
    ] as const) {
      await insertResult(database, job.id, position, 'en', '<p>Dent</p>', { needsReview });
      await insertResult(database, job.id, position, 'ru', '<p>Вмятина</p>');
    }
  });

  it.each([
    ['status=completed', ['fine', 'look']],
    ['status=failed', ['refused', 'gone']],
    ['status=cancelled', ['cut', 'waits']],
    ['status[]=failed&status[]=cancelled', ['refused', 'cut', 'gone', 'waits']],
    ['code=REFUSED', ['refused']],
    ['code=CANCELLED', ['cut', 'waits']],
    ['code[]=CANCELLED&code[]=IMAGE_UNREACHABLE', ['cut', 'gone', 'waits']],
    ['code=NO_IMAGES', []],
    ['needs_review=true', ['look']],
    ['needs_review=false', ['fine', 'refused', 'cut', 'gone', 'waits']],
    ['needs_review=false&status=completed', ['fine']],
    ['needs_review=true&status=failed', []],
    ['status=failed&code=REFUSED&needs_review=false&after=fine', ['refused']],
    ['status=failed&after=refused', ['gone']],
    ['after=waits', []],
    ['lot_id[]=fine&lot_id[]=gone&status=failed', ['gone']],
    ['lot_id[]=fine&lot_id[]=gone&after=refused', ['gone']],
    ['partial=true&status=completed', ['fine', 'look']],
  ])('results answer %s with those lots in every format', async (query, expected) => {
    for (const format of FORMATS) expect((await ask(query, format)).ids).toEqual(expected);
  });

  it('the route without /download takes the same query', async () => {
    const { status, body } = await polling.json(`/api/v1/batch-results/${job.id}?status=failed&limit=1`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      next_cursor: cursorAt({ jobId: job.id, position: 1, revision: 0 }),
      processing_summary: { total_lots: 6 },
      results: { lots: [{ lot_id: 'refused' }] },
    });
  });

  it.each(FORMATS)('pages of %s end where there are no more lots, and say so', async (format) => {
    for (const [query, all] of [
      ['', ['fine', 'refused', 'cut', 'look', 'gone', 'waits']],
      ['&status[]=failed&status[]=cancelled', ['refused', 'cut', 'gone', 'waits']],
    ] as const) {
      for (const limit of [1, 2, 3, 4, 6, 10_001]) {
        const seen: string[] = [];
        let pages = 0;
        for (let after = ''; ;) {
          const page = await ask(`limit=${limit}${query}${after}`, format);
          pages++;
          expect(page.ids.length).toBeLessThanOrEqual(limit);
          seen.push(...page.ids);
          if (format === 'json') expect(JSON.parse(page.text)).toMatchObject({ next_cursor: page.next });
          if (page.next === null) break;
          after = `&after=${page.next}`;
        }
        expect(seen).toEqual(all);
        expect(pages).toBe(Math.ceil(all.length / limit));
      }
    }
  });

  it('an answer without limit is what it was: no member and no header tells of pages', async () => {
    const { text, next } = await ask('');
    expect(next).toBeNull();
    expect(JSON.parse(text)).not.toHaveProperty('next_cursor');
  });

  it.each([
    ['status=done', 'status'],
    ['status[]=failed&status[]=pending', 'status'],
    ['status=failed&status=completed', 'status'],
    ['code=refused', 'code'],
    ['code=', 'code'],
    ['needs_review=yes', 'needs_review'],
    ['needs_review=', 'needs_review'],
    ['limit=0', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=many', 'limit'],
    ['after=a&after=b', 'after'],
    [`after=${cursorAt({ jobId: '01a2173c-e238-7491-962a-389be96d844c', position: 1, revision: 0 })}`, 'after'],
  ])('results refuse %s and name the member', async (query, member) => {
    for (const format of FORMATS) {
      const { status, body } = await polling.json(path(query, format));
      expect(status).toBe(400);
      expect(body).toMatchObject({ code: 'VALIDATION_FAILED', details: { fields: [{ path: member }] } });
    }
  });

  it.each(['other', '', '%00', 'FINE', '%27%20or%20true', '%3Cb%3E'])(
    'results have no lot %s to go on after',
    async (lotId) => {
      for (const format of FORMATS) {
        const { status, body } = await polling.json(path(`after=${lotId}`, format));
        expect(status).toBe(404);
        expect(body).toMatchObject({ code: 'LOT_NOT_FOUND', details: { lot_ids: [decodeURIComponent(lotId)] } });
      }
    },
  );

  it('a running job is answered 202 whatever is asked of it, and by partial with what has ended behind a lot', async () => {
    await polling.db.database.execute(
      `update batch_jobs set status = 'processing', cancelled_at = null where id = $1`,
      [job.id],
    );
    for (const query of ['status=failed', 'after=fine', 'limit=1', 'needs_review=true'])
      expect((await polling.json(path(query))).status).toBe(202);
    expect((await polling.json(path('after=other'))).status).toBe(404);
    expect(await ids('partial=true&after=refused')).toEqual(['look', 'gone']);
    expect(await ids('partial=true&code=CANCELLED')).toEqual([]);
    const page = await ask('partial=true&limit=3');
    expect(page.ids).toEqual(['fine', 'refused', 'look']);
    expect(await ids(`partial=true&limit=3&after=${page.next}`)).toEqual(['gone']);
  });

  it('another key learns nothing by a cursor, a lot or a filter', async () => {
    for (const query of [
      'after=fine',
      'after=other',
      'status=failed',
      'limit=1',
      `after=${cursorAt({ jobId: job.id, position: 0, revision: 0 })}`,
    ]) {
      const { status, body } = await polling.json(path(query), { keyId: 'beta' });
      expect(status).toBe(404);
      expect(body).toMatchObject({ code: 'JOB_NOT_FOUND' });
    }
  });

  describe('once the texts are written anew', () => {
    /** The second revision clears one review and finds another; it leaves the Russian text as it is. */
    async function writeAnew(): Promise<void> {
      const { database } = polling.db;
      await insertResult(database, job.id, 0, 'en', '<p>New</p>', { revision: 1, needsReview: REVIEW });
      await insertResult(database, job.id, 3, 'en', '<p>New</p>', { revision: 1, needsReview: NO_REVIEW });
    }
    const show = () =>
      polling.db.database.execute('update batch_jobs set revision = 1, version = version + 1 where id = $1', [job.id]);

    it('a review is that of the revision that is shown', async () => {
      await writeAnew();
      expect(await ids('needs_review=true')).toEqual(['look']);
      expect(await ids('needs_review=false&status=completed')).toEqual(['fine']);
      await show();
      expect(await ids('needs_review=true')).toEqual(['fine']);
      expect(await ids('needs_review=false&status=completed')).toEqual(['look']);
    });

    it('the pages behind a cursor stay at its revision, and a header tells which one an answer has', async () => {
      const page = await ask('limit=1&status=completed');
      expect(page.headers.get('x-results-revision')).toBe('0');
      await writeAnew();
      await show();
      const second = await ask(`limit=1&status=completed&after=${page.next}`);
      expect(second.headers.get('x-results-revision')).toBe('0');
      expect(second.text).toContain('<p>Dent</p>');
      const resumed = await ask('status=completed&after=fine');
      expect(resumed.headers.get('x-results-revision')).toBe('1');
      expect(resumed.text).toContain('<p>New</p>');
      // A cursor that nobody was given leads no further than what is shown.
      const ahead = cursorAt({ jobId: job.id, position: 0, revision: 99_999 });
      expect((await ask(`status=completed&after=${ahead}`)).headers.get('x-results-revision')).toBe('1');
    });
  });

  it('lots from before, which do not say whether they need a review, are asked for by neither value', async () => {
    const { database } = polling.db;
    job = await insertJob(database, { status: 'completed', totalLots: 2, languages: ['en'] });
    await insertLot(database, job.id, 0);
    await insertResult(database, job.id, 0, 'en', 'text');
    await insertLot(database, job.id, 1, { status: 'failed', error: { code: 'REFUSED', message: 'no' } });
    expect(await ids('needs_review=true')).toEqual([]);
    expect(await ids('needs_review=false')).toEqual([]);
    expect(await ids('')).toEqual(['lot-0', 'lot-1']);
  });

  it('a download whose connection is cut anywhere is resumed to the whole by the last lot that came', async () => {
    const count = 3000;
    job = await insertJob(polling.db.database, { status: 'completed', totalLots: count });
    await insertCompletedLots(polling.db.database, job.id, count, job.languages);
    const seen: string[] = [];
    let requests = 0;
    while (seen.length < count) {
      const last = seen.at(-1);
      const cut = new AbortController();
      const response = await polling.send(path(last === undefined ? '' : `after=${last}`, 'ndjson'), {
        signal: cut.signal,
      });
      requests++;
      // Of what came only whole lines count. Each time a little more is taken, so that cuts fall anywhere.
      const most = 30_000 + 7001 * requests;
      let bytes = 0;
      let rest = '';
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        const part = chunk.subarray(0, most - bytes);
        bytes += part.length;
        const lines = (rest + decoder.decode(part, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        seen.push(...lines.map((line) => (JSON.parse(line) as { lot_id: string }).lot_id));
        if (bytes >= most) break;
      }
      cut.abort();
    }
    expect(requests).toBeGreaterThan(3);
    expect(seen).toEqual(Array.from({ length: count }, (_, i) => `lot-${i}`));
  });

  it('chosen lots that are removed while they are read cut the connection, because the answer would look whole', async () => {
    const count = 2000;
    job = await insertJob(polling.db.database, { status: 'completed', totalLots: count });
    await insertCompletedLots(polling.db.database, job.id, count, job.languages);
    const reader = polling.app.get(LotResultReader, { strict: false });
    const readPages = reader.readPages.bind(reader);
    reader.readPages = async function* (...args) {
      let pages = 0;
      for await (const page of readPages(...args)) {
        yield page;
        if (pages++ > 0) continue;
        // Removal hides the job first and then takes its lots away.
        await polling.db.database.execute(`update batch_jobs set key_id = '' where id = $1`, [job.id]);
        await polling.db.database.execute('delete from batch_lots where job_id = $1 and position > 1000', [job.id]);
      }
    };
    try {
      const read = async () => (await polling.send(path('status=completed', 'ndjson'))).text();
      await expect(read()).rejects.toThrow();
    } finally {
      reader.readPages = readPages;
    }
  });
});
