import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRig, type Rig } from './support/rig.js';
import { seedJob, type SeededJob } from './support/seed.js';

// Real: PostgreSQL. Faked: the wall clock.
describe('the end of a job', () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await createRig({ settings: { webhook: { partLots: 10 } } });
  });
  afterAll(async () => {
    await rig.close();
  });

  const seed = (job: SeededJob) => seedJob(rig.db.database, job);
  const jobRow = async (id: string) =>
    (await rig.db.database.query('select * from batch_jobs where id = $1', [id]))[0] as Record<string, unknown>;
  const deliveries = (id: string) =>
    rig.db.database.query<Record<string, unknown>>(
      'select * from webhook_deliveries where job_id = $1 order by url, part',
      [id],
    );

  it('the end of a job sets the last state, its time and a new version, and frees the lease', async () => {
    const id = await seed({ status: 'translating' });
    await rig.db.database.execute(
      `update batch_jobs set locked_until = now(), lock_token = gen_random_uuid() where id = $1`,
      [id],
    );
    expect(await rig.end(id)).toBe(true);
    expect(await jobRow(id)).toMatchObject({
      status: 'completed',
      stage: 'done',
      version: 2,
      completed_at: rig.clock.date(),
      cancelled_at: null,
      locked_until: null,
      lock_token: null,
    });
  });

  it('the end of a job keeps the reason of a failure, and a cancelled job has no completed_at', async () => {
    const failed = await seed({});
    await rig.end(failed, 'failed', { error: { code: 'DEADLINE_EXCEEDED', message: 'too late' } });
    expect(await jobRow(failed)).toMatchObject({
      status: 'failed',
      error: { code: 'DEADLINE_EXCEEDED', message: 'too late' },
      completed_at: rig.clock.date(),
    });
    const cancelled = await seed({});
    await rig.end(cancelled, 'cancelled');
    expect(await jobRow(cancelled)).toMatchObject({ completed_at: null, cancelled_at: rig.clock.date() });
  });

  it('the end of a job names what most lots failed with where the job has no reason of its own', async () => {
    const id = await seed({ lots: 3 });
    await rig.db.database.execute(
      `update batch_lots l set status = 'failed', error = e.error
       from unnest($2::int[], $3::jsonb[]) as e (position, error) where l.job_id = $1 and l.position = e.position`,
      [
        id,
        [0, 1, 2],
        ['REFUSED', 'IMAGE_UNREACHABLE', 'IMAGE_UNREACHABLE'].map((code) => JSON.stringify({ message: 'm', code })),
      ],
    );
    await rig.end(id, 'failed');
    expect(await jobRow(id)).toMatchObject({
      error: { code: 'IMAGE_UNREACHABLE', message: expect.stringContaining('2 failed with IMAGE_UNREACHABLE') },
    });
  });

  it('the end of a job lets the first end win and queues nothing for the second', async () => {
    const id = await seed({ webhookUrl: 'https://a.test/hook' });
    const ends = await Promise.all([rig.end(id, 'completed'), rig.end(id, 'cancelled'), rig.end(id, 'failed')]);
    expect(ends.filter((won) => won)).toHaveLength(1);
    expect(await deliveries(id)).toHaveLength(1);
    expect(await rig.end('00000000-0000-7000-8000-000000000000')).toBe(false);
  });

  it('the end of a job queues nothing when the transaction is rolled back', async () => {
    const id = await seed({ webhookUrl: 'https://a.test/hook' });
    await expect(
      rig.db.database.transaction(async (tx) => {
        await rig.ender.endJob(tx, id, 'completed');
        throw new Error('the process met a problem');
      }),
    ).rejects.toThrow('the process met a problem');
    expect(await jobRow(id)).toMatchObject({ status: 'processing' });
    expect(await deliveries(id)).toEqual([]);
  });

  it('the end of a job gives each address its own lots in parts, a lot’s own address before the job’s', async () => {
    const own = 'https://b.test:443/own?x=1';
    const id = await seed({
      lots: 25,
      webhookUrl: 'https://a.test/hook',
      webhooks: (position) => (position % 5 === 0 ? own : null),
    });
    await rig.end(id);
    const parts = await deliveries(id);
    expect(
      parts.map(({ url, origin, part, parts: of, lots, first_position, last_position }) => ({
        url,
        origin,
        part,
        of,
        lots,
        range: [first_position, last_position],
      })),
    ).toEqual([
      { url: 'https://a.test/hook', origin: 'https://a.test', part: 1, of: 2, lots: 10, range: [1, 12] },
      { url: 'https://a.test/hook', origin: 'https://a.test', part: 2, of: 2, lots: 10, range: [13, 24] },
      { url: own, origin: 'https://b.test', part: 1, of: 1, lots: 5, range: [0, 20] },
    ]);
    expect(parts[0]).toMatchObject({ event: 'batch_job_completed', status: 'pending', attempts: 0 });
    expect(new Set(parts.map(({ id: deliveryId }) => deliveryId)).size).toBe(3);
  });

  it('the end of a job sends nothing where no address was given, and tells lots with one of their own', async () => {
    const silent = await seed({ lots: 3 });
    await rig.end(silent);
    expect(await deliveries(silent)).toEqual([]);
    const some = await seed({ lots: 3, webhooks: (position) => (position === 2 ? 'https://c.test/' : null) });
    await rig.end(some, 'cancelled');
    expect(await deliveries(some)).toMatchObject([{ url: 'https://c.test/', lots: 1, event: 'batch_job_cancelled' }]);
  });

  it('the end of a job sends no webhook for a synchronous job that its 200 answered, and sends one after a hand-over', async () => {
    const answered = await seed({ mode: 'sync', webhookUrl: 'https://a.test/hook' });
    expect(await rig.end(answered)).toBe(true);
    expect(await deliveries(answered)).toEqual([]);
    const handedOver = await seed({ mode: 'sync', webhookUrl: 'https://a.test/hook', handedOver: true });
    await rig.end(handedOver);
    expect(await deliveries(handedOver)).toHaveLength(1);
  });

  it('the end of a job ends 50,000 lots in one go, every lot in exactly one part of bounded size', async () => {
    const big = await createRig({ db: rig.db });
    const id = await seed({ lots: 50_000, webhookUrl: 'https://a.test/hook', languages: ['en'] });
    await rig.db.database.execute(`update batch_lots set rendered_bytes = 3000 + position % 2000 where job_id = $1`, [
      id,
    ]);
    await big.end(id);
    const parts = await deliveries(id);
    let expected = 0;
    for (const part of parts) {
      expect(part['first_position']).toBe(expected);
      expect(Number(part['lots'])).toBeLessThanOrEqual(500);
      expect(Number(part['bytes'])).toBeLessThanOrEqual(1024 * 1024);
      expected += Number(part['lots']);
      expect(part['last_position']).toBe(expected - 1);
    }
    expect(expected).toBe(50_000);
    await big.close();
  });
});
