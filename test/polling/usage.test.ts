import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Clock } from '../../src/common/clock.js';
import { countDays, dayOf, daysAfter, isDay } from '../../src/polling/days.js';
import { hmacHex } from '../support/signing.js';
import { secretOf, startPollingApp, type PollingApp } from './polling-app.js';

const USAGE = '/api/v1/usage';

/** Real: HTTP, guard, PostgreSQL. Faked: the time, which stands still, so that no day ends meanwhile. */
describe('GET usage', () => {
  let polling: PollingApp;
  const now = Date.now();
  const today = dayOf(now);

  beforeAll(async () => {
    polling = await startPollingApp();
    vi.spyOn(polling.app.get(Clock), 'now').mockReturnValue(now);
    const rows: [key: string, day: string, model: string, mode: string, lots: number][] = [
      ['acme', '2021-01-31', 'o4-mini', 'sync', 1],
      ['acme', '2021-02-01', 'o4-mini', 'batch', 20],
      ['acme', '2021-02-01', 'gpt-4.1-mini', 'batch', 0],
      ['acme', today, 'o4-mini', 'batch', 300],
      ['acme', daysAfter(today, -29), 'o4-mini', 'batch', 4000],
      ['acme', daysAfter(today, -30), 'o4-mini', 'batch', 50000],
      ['beta', '2021-02-01', "<script>alert('x')</script>", 'sync', 7],
    ];
    for (const row of rows) {
      await polling.db.database.execute(
        `insert into key_usage values ($1, $2, $3, $4, $5::bigint, 10 * $5::bigint, 2 * $5::bigint, 3 * $5::bigint, 0.1)`,
        row,
      );
    }
  });
  afterAll(() => polling.close());

  it('usage is shown by day where nothing else is asked for', async () => {
    const { status, body } = await polling.json(`${USAGE}?from=2021-01-31&to=2021-02-01`);
    expect(status).toBe(200);
    const tokens = (lots: number) => ({ input_tokens: 10 * lots, cached_tokens: 2 * lots, output_tokens: 3 * lots });
    expect(body).toEqual({
      from: '2021-01-31',
      to: '2021-02-01',
      group_by: 'day',
      rows: [
        { day: '2021-01-31', lots: 1, ...tokens(1), cost_usd: 0.1 },
        { day: '2021-02-01', lots: 20, ...tokens(20), cost_usd: 0.2 },
      ],
    });
  });

  it.each([
    ['model', { 'gpt-4.1-mini': 0, 'o4-mini': 21 }],
    ['mode', { batch: 20, sync: 1 }],
  ])('usage is shown by %s', async (by, expected) => {
    const { body } = await polling.json(`${USAGE}?from=2021-01-31&to=2021-02-01&group_by=${by}`);
    const rows = body['rows'] as Record<string, unknown>[];
    expect(Object.fromEntries(rows.map((row) => [row[by], row['lots']]))).toEqual(expected);
  });

  it('without days, the last thirty are shown, today included', async () => {
    const { body } = await polling.json(`${USAGE}?group_by=mode`);
    expect(body).toMatchObject({ from: daysAfter(today, -29), to: today, rows: [{ mode: 'batch', lots: 4300 }] });
  });

  it('another key’s usage is not shown, and a strange name of a model stays text', async () => {
    const { body } = await polling.json(`${USAGE}?from=2021-02-01&to=2021-02-01&group_by=model`, { keyId: 'beta' });
    expect(body['rows']).toMatchObject([{ model: "<script>alert('x')</script>", lots: 7 }]);
  });

  it('400 days are shown, and one more is refused', async () => {
    expect((await polling.json(`${USAGE}?from=2020-01-02&to=2021-02-04`)).status).toBe(200);
    const { status, body } = await polling.json(`${USAGE}?from=2020-01-02&to=2021-02-05`);
    expect([status, body['code']]).toEqual([400, 'VALIDATION_FAILED']);
    expect(JSON.stringify(body['details'])).toContain('at most 400 days up to the last one, 2021-02-05; these are 401');
  });

  it.each([
    'from=2026-02-30',
    'from=2026-2-3',
    'to=2026-01-01T00:00:00Z',
    'from=2026-02-02&to=2021-02-01',
    'from=2021-02-01&from=2026-02-02',
    'group_by=hour',
    'from=2021-02-01%27--',
    'from=0000-01-01',
    'to=99999-01-01',
  ])('?%s is refused, and the member is named', async (query) => {
    const { status, body } = await polling.json(`${USAGE}?${query}`);
    expect([status, body['code']]).toEqual([400, 'VALIDATION_FAILED']);
    expect((body['details'] as { fields: { path: string }[] }).fields[0]?.path).toBe(query.split('=')[0]);
  });

  it('a mistyped member of the query is named', async () => {
    const response = await polling.send(`${USAGE}?form=2021-02-01`);
    expect([response.status, response.headers.get('x-ignored-parameters')]).toEqual([200, 'form']);
  });

  it('the signature that opens the list does not open it', async () => {
    const headers = { 'X-Key-Id': 'acme', 'X-Signature': hmacHex(secretOf('acme'), USAGE) };
    expect((await fetch(polling.origin + USAGE, { headers })).status).toBe(403);
    const list = '/api/v1/batch-jobs';
    const listed = { 'X-Key-Id': 'acme', 'X-Signature': hmacHex(secretOf('acme'), list) };
    expect((await fetch(polling.origin + list, { headers: listed })).status).toBe(200);
  });
});

describe('days', () => {
  it.each([
    ['2026-02-28', true],
    ['2028-02-29', true],
    ['2026-02-29', false],
    ['2026-13-01', false],
    ['2026-00-10', false],
    ['26-01-01', false],
    ['2026-01-01 ', false],
  ])('%s is a day: %s', (text, is) => {
    expect(isDay(text)).toBe(is);
  });

  it('days are counted with both ends, over a change of summer time and a leap day', () => {
    expect(countDays('2028-02-28', '2028-03-01')).toBe(3);
    expect(countDays('2026-03-28', '2026-03-30')).toBe(3);
    expect(countDays('2026-03-30', '2026-03-28')).toBe(-1);
    expect(daysAfter('2028-03-01', -1)).toBe('2028-02-29');
  });
});
