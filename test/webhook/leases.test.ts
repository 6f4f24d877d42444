import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../src/common/ids.js';
import { MAX_UNKNOWN_OUTCOMES } from '../../src/webhook/delivery-states.js';
import { answer, answer204, startReceiver, type Receiver } from './support/receiver.js';
import { createRig, type Rig } from './support/rig.js';
import { seedJob } from './support/seed.js';

// Real: PostgreSQL and its clock for leases, HTTP on loopback. Faked: the wall clock. A killed process is one that
// claimed and never wrote.
describe('the lease of a delivery', () => {
  let rig: Rig;
  let receiver: Receiver;

  beforeEach(async () => {
    rig = await createRig({ settings: { webhook: { partLots: 1 } } });
    receiver = await startReceiver();
  });
  afterEach(async () => {
    await receiver.close();
    await rig.close();
  });

  const endedJob = async (lots = 1) => {
    const id = await seedJob(rig.db.database, { lots, webhookUrl: `${receiver.origin}/hook` });
    await rig.end(id);
    return id;
  };
  const claim = (limit = 100) => rig.claims.claim({ token: newId(), leaseSeconds: 60, limit, now: rig.clock.date() });
  const rows = () => rig.db.database.query<Record<string, unknown>>('select * from webhook_deliveries order by part');
  const attempts = () =>
    rig.db.database.query<Record<string, unknown>>('select * from webhook_attempts order by delivery_id, attempt');
  const expireLeases = () =>
    rig.db.database.execute(
      `update webhook_deliveries set locked_until = clock_timestamp() - interval '1 second' where status = 'in_flight'`,
    );

  it("an attempt's row is in the database before any request", async () => {
    await endedJob();
    const [claimed] = await claim();
    expect(await attempts()).toMatchObject([
      { delivery_id: claimed?.id, attempt: 1, outcome: 'unknown', finished_at: null },
    ]);
    expect(await rows()).toMatchObject([{ status: 'in_flight', attempts: 1, lock_token: claimed?.token }]);
  });

  it('a delivery is never leased to two who claim at once', async () => {
    await endedJob(40);
    await rig.db.database.execute('update webhook_endpoints set slots = 32');
    const claims = (await Promise.all(Array.from({ length: 8 }, () => claim(10)))).flat();
    expect(new Set(claims.map(({ id }) => id)).size).toBe(claims.length);
    expect(await attempts()).toHaveLength(claims.length);
  });

  it('the lease of a delivery ends with a dead process, and the unknown outcome costs nothing of the schedule', async () => {
    await endedJob();
    await claim();
    await rig.sendDue();
    expect(receiver.requests).toHaveLength(0);
    await expireLeases();
    await rig.sendDue();
    expect(receiver.requests[0]?.headers['x-delivery-attempt']).toBe('2');
    expect(await rows()).toMatchObject([
      { status: 'delivered', attempts: 2, failures: 0, unknown_outcomes: 1, last_error: null },
    ]);
    expect((await attempts()).map(({ outcome }) => outcome)).toEqual(['unknown', 'delivered']);
  });

  it('a delivery fails for good after 20 unknown outcomes', async () => {
    await endedJob();
    for (let i = 0; i < MAX_UNKNOWN_OUTCOMES; i++) {
      expect(await claim()).toHaveLength(1);
      await expireLeases();
      expect(await rig.claims.takeBackExpired(rig.clock.date())).toBe(1);
    }
    expect(await claim()).toHaveLength(0);
    expect(await rows()).toMatchObject([{ status: 'failed', attempts: 20, failures: 0, unknown_outcomes: 20 }]);
    expect(receiver.requests).toHaveLength(0);
  });

  it('a lease of a delivery that was lost lets a failure write nothing but its attempt', async () => {
    await endedJob();
    const [stale] = await claim();
    await expireLeases();
    await rig.claims.takeBackExpired(rig.clock.date());
    const [current] = await claim();
    receiver.behave(answer(500));
    const late = await rig.runner.run(stale as NonNullable<typeof stale>, Infinity);
    await rig.outcomes.settle([late as NonNullable<typeof late>]);
    expect(await rows()).toMatchObject([{ status: 'in_flight', lock_token: current?.token, failures: 0 }]);
    expect((await attempts()).map(({ outcome }) => outcome)).toEqual(['failed', 'unknown']);
  });

  it('a lease of a delivery that was lost lets a success win all the same, and the other holder’s failure comes too late', async () => {
    await endedJob();
    const [stale] = await claim();
    await expireLeases();
    await rig.claims.takeBackExpired(rig.clock.date());
    const [current] = await claim();
    const success = await rig.runner.run(stale as NonNullable<typeof stale>, Infinity);
    receiver.behave(answer(500));
    const failure = await rig.runner.run(current as NonNullable<typeof current>, Infinity);
    await rig.outcomes.settle([success as NonNullable<typeof success>]);
    await rig.outcomes.settle([failure as NonNullable<typeof failure>]);
    expect(await rows()).toMatchObject([{ status: 'delivered', failures: 0 }]);
    expect((await attempts()).map(({ outcome }) => outcome)).toEqual(['delivered', 'failed']);
  });

  it('a delivery goes back with its attempt when nothing was sent under its lease', async () => {
    await endedJob(3);
    const claimed = await claim();
    await rig.claims.handBack(claimed.slice(0, 2));
    expect(await attempts()).toHaveLength(1);
    expect((await rows()).map(({ status, attempts: n }) => [status, n])).toEqual([
      ['pending', 0],
      ['pending', 0],
      ['in_flight', 1],
    ]);
    // But not by a process that has lost the lease meanwhile.
    await rig.claims.handBack([{ id: claimed[2]?.id ?? '', token: newId() }]);
    expect(await attempts()).toHaveLength(1);
  });

  it('a request that could outlive the lease of its delivery is not begun', async () => {
    await endedJob();
    const [claimed] = await claim();
    expect(await rig.runner.run(claimed as NonNullable<typeof claimed>, performance.now() - 1)).toBeUndefined();
    expect(receiver.requests).toHaveLength(0);
  });

  it("the sender's end gives back what was claimed, and waits for what is under way", async () => {
    await endedJob(6);
    await rig.db.database.execute('update webhook_endpoints set slots = 2');
    const open: (() => void)[] = [];
    receiver.behave((request, response) => void open.push(() => answer204(request, response, 0)));
    rig.hints.wake();
    await receiver.received(2);
    const closing = rig.sender.onModuleDestroy().then(() => rig.sender.beforeApplicationShutdown());
    for (const finish of open) finish();
    await closing;
    const statuses = (await rows()).map(({ status }) => status);
    expect(statuses.filter((status) => status === 'delivered')).toHaveLength(2);
    expect(statuses.filter((status) => status === 'pending')).toHaveLength(4);
    expect(await attempts()).toHaveLength(2);
    expect(receiver.requests).toHaveLength(2);
  });
});
