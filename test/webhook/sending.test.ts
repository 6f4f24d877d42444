import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answer, startReceiver, type Receiver } from './support/receiver.js';
import { createRig, type Rig } from './support/rig.js';
import { seedJob, type SeededJob } from './support/seed.js';
import { verifyRequest } from './support/verify.js';

const HOUR = 3_600_000;

// Real: PostgreSQL, HTTP on loopback, the outbound guard. Faked: the wall clock.
describe('a delivery', () => {
  let rig: Rig;
  let receiver: Receiver;

  beforeEach(async () => {
    rig = await createRig({ settings: { webhook: { partLots: 4, timeoutSeconds: 1 } } });
    receiver = await startReceiver();
  });
  afterEach(async () => {
    await receiver.close();
    await rig.close();
  });

  const endedJob = async (job: SeededJob = {}) => {
    const id = await seedJob(rig.db.database, { webhookUrl: `${receiver.origin}/hook?token=1`, ...job });
    await rig.end(id);
    return id;
  };
  const deliveries = (id: string) =>
    rig.db.database.query<Record<string, unknown> & { id: string }>(
      'select * from webhook_deliveries where job_id = $1 order by url, part',
      [id],
    );
  const attempts = (deliveryId: string) =>
    rig.db.database.query<Record<string, unknown>>(
      'select * from webhook_attempts where delivery_id = $1 order by attempt',
      [deliveryId],
    );

  it('a delivery arrives signed three ways, with the fields of both old guides', async () => {
    const id = await endedJob({
      lots: 3,
      metadata: { auction: 'A-17' },
      lotStatus: (position) => (position === 2 ? 'failed' : 'completed'),
    });
    await rig.sendDue();
    expect(receiver.requests).toHaveLength(1);
    const [request] = receiver.requests;
    expect(request?.path).toBe('/hook?token=1');
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'Generation-Service/2.0',
      'x-job-id': id,
      'x-delivery-attempt': '1',
    });
    const body = verifyRequest(request as Receiver['requests'][number]);
    expect(body).toEqual({
      event: 'batch_job_completed',
      signature: body.signature,
      version: '1.0.0',
      job_id: id,
      status: 'completed',
      timestamp: '2026-03-01T12:00:00Z',
      completed_at: '2026-03-01T12:00:00Z',
      total_lots: 3,
      completed_lots: 2,
      failed_lots: 1,
      results_available: true,
      result_url: `/api/v1/batch-results/${id}`,
      processing_summary: { total_lots: 3, processed_lots: 2, failed_lots: 1 },
      part: { number: 1, of: 1 },
      metadata: { auction: 'A-17' },
      lots: [0, 1, 2].map((position) => ({
        lot_id: `lot-${position}`,
        status: position === 2 ? 'failed' : 'completed',
        processed_at: '2026-03-01T11:59:00Z',
        processed_images: position === 2 ? 0 : 3,
        descriptions:
          position === 2
            ? []
            : ['en', 'ru'].map((language) => ({
                language,
                damages: `<p>Lot ${position} — повреждение (${language})</p>`,
              })),
        missing_images: [],
        photo_problems: [],
        pending_languages: [],
        ...(position === 2 ? { error: { code: 'NO_IMAGES', message: 'no photo' } } : {}),
      })),
    });
    const [delivery] = await deliveries(id);
    expect(delivery).toMatchObject({
      status: 'delivered',
      attempts: 1,
      failures: 0,
      lock_token: null,
      last_error: null,
    });
    expect(await attempts(delivery?.id ?? '')).toMatchObject([
      { attempt: 1, outcome: 'delivered', started_at: rig.clock.date(), finished_at: rig.clock.date(), error: null },
    ]);
  });

  it('a delivery fails verification when one byte is changed', async () => {
    await endedJob();
    await rig.sendDue();
    const request = receiver.requests[0] as Receiver['requests'][number];
    const body = Buffer.from(request.body);
    body[body.length - 3] = (body[body.length - 3] as number) ^ 1;
    expect(() => verifyRequest({ ...request, body })).toThrow('does not hold');
  });

  it('a delivery carries a cancelled job’s lots as they stand', async () => {
    const id = await seedJob(rig.db.database, {
      lots: 2,
      webhookUrl: receiver.origin,
      lotStatus: (position) => (position === 0 ? 'completed' : 'pending'),
    });
    await rig.end(id, 'cancelled');
    await rig.sendDue();
    const body = verifyRequest(receiver.requests[0] as Receiver['requests'][number]);
    expect(body).toMatchObject({
      event: 'batch_job_cancelled',
      status: 'cancelled',
      timestamp: '2026-03-01T12:00:00Z',
      completed_at: null,
      cancelled_at: '2026-03-01T12:00:00Z',
      lots: [{ status: 'completed' }, { status: 'cancelled', processed_at: null }],
    });
  });

  it('a receiver that is back after 20 hours is given everything once, in parts that make up the results', async () => {
    const id = await endedJob({
      lots: 25,
      webhooks: (position) => (position % 3 === 0 ? `${receiver.origin}/own` : null),
    });
    receiver.behave(answer(503));
    const bodies = new Map<string, Set<string>>();
    for (let hours = 0; hours < 20; hours += 0.5) {
      await rig.sendDue();
      rig.clock.advance(HOUR / 2);
    }
    for (const { headers, body } of receiver.requests) {
      const key = String(headers['webhook-id']);
      bodies.set(key, (bodies.get(key) ?? new Set()).add(body.toString()));
    }
    expect((await deliveries(id)).every(({ status }) => status === 'pending')).toBe(true);
    receiver.behave(answer(204));
    receiver.requests.length = 0;
    for (let hours = 0; hours < 60; hours += 1) {
      rig.clock.advance(HOUR);
      await rig.sendDue();
    }
    const received = receiver.requests.map((request) => ({ path: request.path, body: verifyRequest(request) }));
    const own = received.filter(({ path }) => path === '/own').map(({ body }) => body);
    const rest = received.filter(({ path }) => path !== '/own').map(({ body }) => body);
    expect(own.map(({ part }) => part.number).toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
    expect(rest.map(({ part }) => part.number).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
    const inOrder = (parts: typeof own) =>
      parts.toSorted((a, b) => a.part.number - b.part.number).flatMap(({ lots }) => lots.map((lot) => lot.lot_id));
    const names = Array.from({ length: 25 }, (_, position) => `lot-${position}`);
    expect(inOrder(own)).toEqual(names.filter((_, position) => position % 3 === 0));
    expect(inOrder(rest)).toEqual(names.filter((_, position) => position % 3 !== 0));
    // The same bytes on every attempt of a delivery.
    for (const request of receiver.requests) {
      bodies.get(String(request.headers['webhook-id']))?.add(request.body.toString());
    }
    for (const seen of bodies.values()) expect(seen.size).toBe(1);
  });

  it('a delivery keeps its id and counts its attempts, each with a row of its own', async () => {
    const id = await endedJob();
    receiver.behave((_request, response, index) => void response.writeHead(index < 2 ? 500 : 200).end());
    for (let i = 0; i < 5; i++) {
      await rig.sendDue();
      rig.clock.advance(100_000);
    }
    expect(receiver.requests.map(({ headers }) => headers['x-delivery-attempt'])).toEqual(['1', '2', '3']);
    const [delivery] = await deliveries(id);
    expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([delivery?.id]));
    expect(delivery).toMatchObject({ status: 'delivered', attempts: 3, failures: 2, unknown_outcomes: 0 });
    expect((await attempts(delivery?.id ?? '')).map(({ outcome }) => outcome)).toEqual([
      'failed',
      'failed',
      'delivered',
    ]);
  });

  it('a delivery fails for good when the schedule is used up', async () => {
    const id = await endedJob();
    receiver.behave(answer(500));
    for (let i = 0; i < 50; i++) {
      await rig.sendDue();
      rig.clock.advance(6 * HOUR);
    }
    expect(receiver.requests).toHaveLength(10);
    expect(await deliveries(id)).toMatchObject([{ status: 'failed', attempts: 10, failures: 10 }]);
  });

  it('a delivery waits as long as Retry-After asks', async () => {
    await endedJob();
    receiver.behave(answer(503, { 'retry-after': '7200' }));
    await rig.sendDue();
    rig.clock.advance(7_199_000);
    await rig.sendDue();
    expect(receiver.requests).toHaveLength(1);
    rig.clock.advance(1000);
    await rig.sendDue();
    expect(receiver.requests).toHaveLength(2);
  });

  it('a 410 ends a delivery together with the job’s other parts for that address, and no other address', async () => {
    const other = await startReceiver();
    const id = await endedJob({ lots: 10, webhooks: (position) => (position === 0 ? `${other.origin}/` : null) });
    // One part at a time: the receiver is new to the sender and still has a single slot.
    await rig.db.database.execute('update webhook_endpoints set slots = 1');
    receiver.behave(answer(410));
    other.behave(answer(500));
    await rig.sendDue();
    const rows = await deliveries(id);
    expect(rows.filter(({ url }) => url !== `${other.origin}/`).map(({ status }) => status)).toEqual([
      'failed',
      'failed',
      'failed',
    ]);
    expect(rows.find(({ url }) => url === `${other.origin}/`)).toMatchObject({ status: 'pending' });
    const before = receiver.requests.length;
    rig.clock.advance(48 * HOUR);
    await rig.sendDue();
    expect(receiver.requests).toHaveLength(before);
    await other.close();
  });

  it('a delivery never follows a redirect', async () => {
    const target = await startReceiver();
    const id = await endedJob();
    receiver.behave(answer(307, { location: `${target.origin}/inside` }));
    await rig.sendDue();
    expect(target.requests).toHaveLength(0);
    expect(await deliveries(id)).toMatchObject([{ status: 'pending', failures: 1 }]);
    await target.close();
  });

  it('a delivery is accepted by a 2xx whatever the body then does', async () => {
    const id = await endedJob();
    receiver.behave((_request, response) => {
      response.writeHead(200);
      const more = () => {
        if (!response.destroyed) response.write(Buffer.alloc(64 * 1024), more);
      };
      more();
    });
    await rig.sendDue();
    expect(await deliveries(id)).toMatchObject([{ status: 'delivered' }]);
  });

  it.each<[string, (response: import('node:http').ServerResponse) => void]>([
    ['no answer', () => undefined],
    ['a broken connection', (response) => void response.destroy()],
    ['no HTTP', (response) => void response.socket?.end('hello\r\n\r\n')],
    ['nothing but interim answers', (response) => response.writeProcessing()],
  ])('a delivery is tried again after %s', async (_what, misbehave) => {
    const id = await endedJob();
    receiver.behave((_request, response) => misbehave(response));
    await rig.sendDue();
    const [delivery] = await deliveries(id);
    expect(delivery).toMatchObject({ status: 'pending', failures: 1, response_status: null });
    expect(delivery?.['last_error']).toEqual(expect.any(String));
    receiver.behave(answer(200));
    rig.clock.advance(40_000);
    await rig.sendDue();
    expect(await deliveries(id)).toMatchObject([{ status: 'delivered' }]);
  });

  it('a delivery keeps nothing of what a host of OUTBOUND_ALLOW answered', async () => {
    const id = await endedJob();
    receiver.behave(answer(500, {}, 'the secrets of an internal host'));
    await rig.sendDue();
    const [delivery] = await deliveries(id);
    expect(delivery).toMatchObject({ response_status: null, last_error: 'the answer was not a 2xx' });
    expect(await attempts(delivery?.id ?? '')).toMatchObject([{ response_status: null, response_start: null }]);
  });

  it('a delivery leaves at the hint, without waiting for a sweep', async () => {
    const id = await endedJob();
    rig.hints.wake();
    await expect.poll(() => deliveries(id)).toMatchObject([{ status: 'delivered' }]);
    expect(receiver.requests).toHaveLength(1);
  });

  it('a delivery is sent although its body changed since the last attempt, and remembers the new one', async () => {
    const id = await endedJob();
    receiver.behave(answer(500));
    await rig.sendDue();
    await rig.db.database.execute(`update webhook_deliveries set body_sha256 = 'another'`);
    receiver.behave(answer(200));
    rig.clock.advance(40_000);
    await rig.sendDue();
    const [delivery] = await deliveries(id);
    expect(delivery).toMatchObject({ status: 'delivered' });
    expect(delivery?.['body_sha256']).toMatch(/^[0-9a-f]{64}$/);
  });

  it('an attempt fails when its results are gone, and says so', async () => {
    const id = await endedJob();
    await rig.db.database.execute('delete from batch_lots where job_id = $1', [id]);
    await rig.sendDue();
    expect(receiver.requests).toHaveLength(0);
    expect(await deliveries(id)).toMatchObject([
      { status: 'pending', failures: 1, last_error: 'this delivery cannot be rendered: its lots are gone' },
    ]);
  });
});
