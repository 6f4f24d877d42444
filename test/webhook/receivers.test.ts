import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../src/common/ids.js';
import { CIRCUIT_FAILURES } from '../../src/webhook/receiver-limits.js';
import { answer, answer204, startReceiver, type Receiver } from './support/receiver.js';
import { createRig, type Rig } from './support/rig.js';
import { seedJob } from './support/seed.js';

// Real: PostgreSQL, HTTP on loopback. Faked: the wall clock.
describe('a receiver', () => {
  let rig: Rig;
  let receiver: Receiver;

  beforeEach(async () => {
    rig = await createRig({ settings: { webhook: { partLots: 1, timeoutSeconds: 5 } } });
    receiver = await startReceiver();
  });
  afterEach(async () => {
    await receiver.close();
    await rig.close();
  });

  const endedJob = async (lots: number, to = receiver) => {
    const id = await seedJob(rig.db.database, { lots, webhookUrl: `${to.origin}/hook` });
    await rig.end(id);
    return id;
  };
  const health = async (to = receiver) =>
    (
      await rig.db.database.query<Record<string, unknown>>('select * from webhook_endpoints where origin = $1', [
        to.origin,
      ])
    )[0];
  const count = async (status: string, to = receiver) =>
    Number(
      (
        await rig.db.database.query<{ n: string }>(
          'select count(*) as n from webhook_deliveries where status = $1 and origin = $2',
          [status, to.origin],
        )
      )[0]?.n,
    );
  const claim = (limit = 500) => rig.claims.claim({ token: newId(), leaseSeconds: 60, limit, now: rig.clock.date() });

  it('a receiver never has more claimed than its slots and four times as many that wait', async () => {
    await endedJob(100);
    expect(await claim()).toHaveLength(40);
    expect(await claim()).toHaveLength(0);
  });

  it('a receiver leaves the others their share of a claim', async () => {
    const others = await Promise.all([startReceiver(), startReceiver(), startReceiver()]);
    await endedJob(100);
    for (const other of others) await endedJob(10, other);
    const claimed = await claim(20);
    const origins = new Set(claimed.map(({ origin }) => origin));
    expect(origins.size).toBe(4);
    expect(claimed.length).toBe(20);
    await Promise.all(others.map((other) => other.close()));
  });

  it('a receiver is sent all that is due after a single hint, however much more than its room that is', async () => {
    await endedJob(600);
    rig.hints.wake();
    await receiver.received(600);
    await expect.poll(() => count('delivered')).toBe(600);
  });

  it('a receiver that hangs holds up nobody else', async () => {
    const hanging = await startReceiver(() => undefined);
    await endedJob(200, hanging);
    await endedJob(200);
    await rig.sender.sweep();
    await receiver.received(200);
    expect(await count('pending', hanging)).toBeGreaterThanOrEqual(160);
    await expect.poll(() => count('delivered')).toBe(200);
    await hanging.close();
  });

  it('a receiver that fails now and then keeps its circuit closed and is sent everything', async () => {
    receiver.behave((_request, response, index) => void response.writeHead(index % 10 === 3 ? 503 : 204).end());
    await endedJob(300);
    for (let i = 0; i < 5; i++) {
      await rig.sendDue();
      rig.clock.advance(300_000);
    }
    expect(await count('delivered')).toBe(300);
    expect(await health()).toMatchObject({ opened_at: null, failed_probes: 0 });
  });

  it('a receiver that is down has its deliveries wait, tried by one at a time, and gets all once it is back', async () => {
    receiver.behave(answer(503));
    await endedJob(100);
    await rig.sendDue();
    const seen = receiver.requests.length;
    expect(seen).toBeGreaterThanOrEqual(CIRCUIT_FAILURES);
    // What was claimed before the tenth failure was written still leaves; how much that is depends on the machine.
    expect(seen).toBeLessThan(100);
    expect((await health())?.['opened_at']).not.toBeNull();
    // Open: nothing leaves, and nothing of the retry budget is used.
    await rig.sendDue();
    expect(receiver.requests).toHaveLength(seen);
    // Half open: a single probe, no matter which process asks.
    rig.clock.advance(40_000);
    const other = await createRig({ db: rig.db, clock: rig.clock });
    await Promise.all([rig.sendDue(), other.sendDue()]);
    expect(receiver.requests).toHaveLength(seen + 1);
    expect(await health()).toMatchObject({ failed_probes: 1 });
    // The pause after a failed probe is longer.
    rig.clock.advance(40_000);
    await rig.sendDue();
    expect(receiver.requests).toHaveLength(seen + 1);
    receiver.behave(answer204);
    rig.clock.advance(3_600_000);
    await rig.sendDue();
    expect(await health()).toMatchObject({ opened_at: null, open_until: null, failed_probes: 0 });
    for (let i = 0; i < 5; i++) await rig.sendDue();
    expect(await count('delivered')).toBe(100);
    await other.close();
  });

  it("a receiver's circuit pauses for 15 minutes at most, however often a probe fails", async () => {
    receiver.behave(answer(503));
    await endedJob(100);
    await rig.sendDue();
    let longest = 0;
    for (let i = 0; i < 12; i++) {
      const until = (await health())?.['open_until'] as Date;
      longest = Math.max(longest, until.getTime() - rig.clock.now());
      rig.clock.advance(until.getTime() - rig.clock.now() + 1000);
      await rig.sendDue();
    }
    expect(longest).toBeGreaterThan(0.8 * 900_000 - 1);
    expect(longest).toBeLessThanOrEqual(1.2 * 900_000);
  });

  it('a receiver gets more slots as it answers, and fewer when most of its answers are failures', async () => {
    await endedJob(200);
    await rig.sendDue();
    expect(await health()).toMatchObject({ slots: 32 });
    receiver.behave(answer(500));
    await endedJob(5);
    await rig.sendDue();
    expect(Number((await health())?.['slots'])).toBeLessThan(32);
  });

  it('a receiver is an origin of one key id: two clients with the same address do not share its circuit', async () => {
    await endedJob(1);
    const id = await seedJob(rig.db.database, { webhookUrl: `${receiver.origin}/hook`, keyId: 'another' });
    await rig.end(id);
    expect(await rig.db.database.query('select key_id from webhook_endpoints order by key_id')).toEqual([
      { key_id: 'another' },
      { key_id: 'default' },
    ]);
    // No secret of that id is configured: the attempt fails, the delivery waits.
    await rig.sendDue();
    expect(receiver.requests).toHaveLength(1);
  });
});
