import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../src/common/ids.js';
import { MAX_UNKNOWN_OUTCOMES } from '../../src/webhook/delivery-states.js';
import { OutboxStore } from '../../src/webhook/outbox-store.js';
import { answer, answer204, startReceiver, type Receiver } from './support/receiver.js';
import { createRig, type Rig } from './support/rig.js';
import { seedJob, type SeededJob } from './support/seed.js';
import { verifyRequest } from './support/verify.js';

const BOTH = { webhook_events: ['delivery_exhausted', 'receiver_recovered'] };

// Real: PostgreSQL, HTTP on loopback. Faked: the wall clock. Every delivery has one attempt.
describe('events of deliveries that were given up', () => {
  let rig: Rig;
  let client: Receiver;
  let dead: Receiver;

  beforeEach(async () => {
    rig = await createRig({ settings: { webhook: { partLots: 1, schedule: [0] } } });
    client = await startReceiver();
    dead = await startReceiver(answer(500));
  });
  afterEach(async () => {
    await client.close();
    await dead.close();
    await rig.close();
  });

  /** A job whose second and third lot are for the dead address, and the first for the client's own. */
  const endedJob = async (job: SeededJob = {}) => {
    const id = await seedJob(rig.db.database, {
      lots: 3,
      webhookUrl: `${client.origin}/hook`,
      webhooks: (position) => (position === 0 ? null : `${dead.origin}/lots`),
      options: BOTH,
      ...job,
    });
    await rig.end(id);
    return id;
  };
  const events = async () =>
    (
      await rig.db.database.query<{ text: string }>(
        `select event || ' ' || status as text from webhook_deliveries where event not like 'batch_job_%' order by id`,
      )
    ).map(({ text }) => text);
  const requestsOf = (receiver: Receiver, event: string) =>
    receiver.requests.filter(({ body }) => (JSON.parse(body.toString()) as { event: string }).event === event);
  /** The circuit of an address that failed opens again when the time has come. */
  const untilProbe = () => rig.clock.advance(3_600_000);

  it("tell the job's own address what was given up at another origin, signed like everything else", async () => {
    const id = await endedJob();
    await rig.sendDue();
    const told = requestsOf(client, 'delivery_exhausted').map((request) => verifyRequest(request));
    const named = told.flatMap(({ deliveries }) => deliveries as unknown as Record<string, unknown>[]);
    expect(named.map(({ part }) => part)).toEqual(
      expect.arrayContaining([
        { number: 1, of: 2 },
        { number: 2, of: 2 },
      ]),
    );
    expect(named).toHaveLength(2);
    expect(told[0]).toMatchObject({ job_id: id, url: `${dead.origin}/lots`, version: '1.0.0', lots: [] });
    expect(named[0]).toMatchObject({
      event: 'batch_job_completed',
      lots: 1,
      attempts: 1,
      error: 'the answer was not a 2xx',
    });
    expect(dead.requests).toHaveLength(2);
  });

  it('are sent only to those who asked for them', async () => {
    await endedJob({ options: {} });
    await rig.sendDue();
    dead.behave(answer204);
    await endedJob({ options: {} });
    untilProbe();
    await rig.sendDue();
    expect(await events()).toEqual([]);
  });

  it('are not sent to the origin that is dead, nor without an address of the job', async () => {
    await endedJob({ webhookUrl: `${dead.origin}/hook` });
    await endedJob({ webhookUrl: null });
    await rig.sendDue();
    expect(await events()).toEqual([]);
  });

  it('name the deliveries that a 410 ended together, and no further ones when they fail themselves', async () => {
    dead.behave(answer(410));
    client.behave(answer(500));
    await endedJob();
    await rig.sendDue();
    const given = await rig.db.database.query<{ payload: { total: number } }>(
      `select payload from webhook_deliveries where event = 'delivery_exhausted'`,
    );
    expect(given.map(({ payload }) => payload.total).reduce((sum, total) => sum + total, 0)).toBe(2);
    expect(new Set(await events())).toEqual(new Set(['delivery_exhausted failed']));
  });

  it('tell of a delivery whose processes died too often', async () => {
    await endedJob();
    await rig.db.database.execute(
      `update webhook_deliveries set unknown_outcomes = ${MAX_UNKNOWN_OUTCOMES - 1}, status = 'in_flight',
         lock_token = $1, locked_until = clock_timestamp() - interval '1 second' where origin = $2`,
      [newId(), dead.origin],
    );
    await rig.claims.takeBackExpired(rig.clock.date());
    expect(await events()).toEqual(['delivery_exhausted pending']);
  });

  it('tell an address once that it has recovered, naming the jobs with given-up deliveries, the latest first', async () => {
    const first = await endedJob();
    const second = await endedJob();
    await endedJob({ options: {} });
    await rig.sendDue();
    expect(requestsOf(dead, 'receiver_recovered')).toHaveLength(0);
    dead.behave(answer204);
    untilProbe();
    const later = await endedJob({ options: {} });
    await rig.sendDue();
    const [told, ...more] = requestsOf(dead, 'receiver_recovered');
    expect(more).toEqual([]);
    expect(told?.headers['x-job-id']).toBe(second);
    expect(verifyRequest(told as NonNullable<typeof told>)).toMatchObject({
      url: `${dead.origin}/lots`,
      total: 2,
      job_ids: [second, first],
    });
    expect(requestsOf(dead, 'batch_job_completed').length).toBeGreaterThan(0);
    expect(later).not.toBe(second);
    untilProbe();
    await endedJob();
    await rig.sendDue();
    expect(requestsOf(dead, 'receiver_recovered')).toHaveLength(1);
  });

  it('tell an address of the greatest length, which no entry of an index could hold', async () => {
    const webhookUrl = `${dead.origin}/${randomBytes(2000).toString('hex')}`;
    const id = await endedJob({ lots: 1, webhookUrl });
    await rig.sendDue();
    dead.behave(answer204);
    untilProbe();
    await endedJob({ lots: 1, webhookUrl, options: {} });
    await rig.sendDue();
    const [told] = requestsOf(dead, 'receiver_recovered');
    expect(verifyRequest(told as NonNullable<typeof told>)).toMatchObject({ url: webhookUrl, total: 1, job_ids: [id] });
  });

  it('do not count deliveries that were sent again and accepted among those that are missing', async () => {
    const id = await endedJob({ lots: 2 });
    await rig.sendDue();
    dead.behave(answer204);
    const outbox = rig.module.get(OutboxStore, { strict: false });
    untilProbe();
    await rig.db.database.transaction((tx) => outbox.sendAllAgain(tx, id, rig.clock.date()));
    await rig.sendDue();
    expect((await events()).filter((event) => event.startsWith('receiver_recovered'))).toEqual([]);
    // What is sent again is the job's end alone, not the report that it could not be delivered.
    expect(requestsOf(client, 'delivery_exhausted')).toHaveLength(1);
    expect(requestsOf(client, 'batch_job_completed')).toHaveLength(2);
  });

  it('are written together with their cause, or not at all', async () => {
    await endedJob({ lots: 2 });
    const now = rig.clock.date();
    const claimed = await rig.claims.claim({ token: newId(), leaseSeconds: 60, limit: 10, now });
    const delivery = claimed.find(({ origin }) => origin === dead.origin) as (typeof claimed)[number];
    const settled = await rig.runner.run(delivery, Infinity);
    const status = () =>
      rig.db.database.query('select status from webhook_deliveries where id = $1', [delivery.id]) as Promise<unknown>;
    // The event cannot be queued now, as when the process dies before it is.
    await rig.db.database.execute(
      `alter table webhook_deliveries add constraint none check (event <> 'delivery_exhausted')`,
    );
    await expect(rig.outcomes.settle([settled as NonNullable<typeof settled>])).rejects.toThrow();
    expect(await status()).toEqual([{ status: 'in_flight' }]);
    await rig.db.database.execute('alter table webhook_deliveries drop constraint none');
    await rig.outcomes.settle([settled as NonNullable<typeof settled>]);
    expect(await status()).toEqual([{ status: 'failed' }]);
    expect(await events()).toEqual(['delivery_exhausted pending']);
  });
});
