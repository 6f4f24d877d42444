import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rfc3339 } from '../../src/common/clock.js';
import { OTHER_SECRET, startApi, type Api } from './support/api.js';
import { FakeClock } from '../support/fake-clock.js';
import { answer, startReceiver, type Receiver } from './support/receiver.js';
import { createRig, type Rig } from './support/rig.js';
import { seedJob, type SeededJob } from './support/seed.js';
import { verifyRequest } from './support/verify.js';

// Real: HTTP in and out, authentication, PostgreSQL. Faked: the wall clock. The API's process sends nothing by itself;
// the rig beside it is the worker.
describe('the webhook endpoints', () => {
  let rig: Rig;
  let api: Api;
  let receiver: Receiver;
  let start: number;
  const at = (seconds: number) => rfc3339(new Date(start + seconds * 1000));

  beforeEach(async () => {
    // Repeats are remembered by the database's clock, so this one starts at its time.
    const clock = new FakeClock({ at: Math.floor(Date.now() / 1000) * 1000 });
    start = clock.now();
    rig = await createRig({ settings: { webhook: { partLots: 2 } }, clock });
    api = await startApi(rig.db.url, rig.clock);
    receiver = await startReceiver();
  });
  afterEach(async () => {
    await receiver.close();
    await api.close();
    await rig.close();
  });

  const endedJob = async (job: SeededJob = {}) => {
    const id = await seedJob(rig.db.database, { lots: 5, webhookUrl: `${receiver.origin}/hook`, ...job });
    await rig.end(id);
    return id;
  };
  const list = async (target: string) => (await api.call('GET', target)).body as unknown as Listing;

  interface Listing {
    readonly deliveries: readonly (Record<string, unknown> & {
      readonly id: string;
      readonly part: { readonly number: number };
    })[];
    readonly pagination: { readonly has_more: boolean; readonly next_cursor: string | null };
  }

  it('the webhook endpoints show a job’s deliveries with every attempt', async () => {
    const id = await endedJob();
    receiver.behave((_request, response, index) => void response.writeHead(index === 0 ? 500 : 204).end());
    await rig.sendDue();
    rig.clock.advance(40_000);
    await rig.sendDue();
    const { deliveries } = await list(`/api/v1/batch-jobs/${id}/deliveries`);
    expect(deliveries.map(({ part }) => part)).toEqual([1, 2, 3].map((number) => ({ number, of: 3 })));
    const retried = deliveries.find(({ attempts }) => (attempts as unknown[]).length === 2);
    expect(retried).toMatchObject({
      job_id: id,
      event: 'batch_job_completed',
      url: `${receiver.origin}/hook`,
      status: 'delivered',
      delivered_at: at(40),
      next_attempt_at: null,
      error: null,
      attempts: [
        { attempt: 1, outcome: 'failed', error: 'the answer was not a 2xx', address: '127.0.0.1' },
        { attempt: 2, outcome: 'delivered', error: null, started_at: at(40) },
      ],
    });
  });

  it('the webhook endpoints page through deliveries without missing or repeating one', async () => {
    const id = await endedJob({ lots: 9 });
    await endedJob({ lots: 1 });
    for (const [target, expected] of [
      [`/api/v1/batch-jobs/${id}/deliveries`, 5],
      ['/api/v1/webhook-deliveries', 6],
    ] as const) {
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: Listing = await list(`${target}?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
        seen.push(...page.deliveries.map((delivery) => delivery.id));
        expect(page.pagination.has_more).toBe(page.pagination.next_cursor !== null);
        cursor = page.pagination.next_cursor;
      }
      expect(seen).toHaveLength(expected);
      expect(new Set(seen).size).toBe(expected);
    }
  });

  it('the webhook endpoints list deliveries across jobs by state', async () => {
    await endedJob({ lots: 1 });
    await rig.sendDue();
    await endedJob({ lots: 1 });
    expect((await list('/api/v1/webhook-deliveries')).deliveries).toHaveLength(2);
    expect((await list('/api/v1/webhook-deliveries?status=delivered')).deliveries).toMatchObject([
      { status: 'delivered' },
    ]);
    expect((await list('/api/v1/webhook-deliveries?status=pending')).deliveries).toMatchObject([
      { status: 'pending', next_attempt_at: at(0) },
    ]);
  });

  it('the webhook endpoints list deliveries in one of several states, and name the query that they ignore', async () => {
    await endedJob({ lots: 1 });
    await rig.sendDue();
    const id = await endedJob({ lots: 1 });
    const both = 'status[]=pending&status[]=delivered';
    expect((await list(`/api/v1/webhook-deliveries?${both}`)).deliveries).toHaveLength(2);
    expect((await list(`/api/v1/batch-jobs/${id}/deliveries?${both}&status[]=failed`)).deliveries).toHaveLength(1);
    expect((await list('/api/v1/webhook-deliveries?status[]=delivered&limit[]=1')).deliveries).toHaveLength(1);
    for (const [method, target, ignored] of [
      ['GET', '/api/v1/webhook-deliveries?state=failed&status=failed', 'state'],
      ['GET', `/api/v1/batch-jobs/${id}/deliveries?stauts[]=failed`, 'stauts[]'],
      ['GET', `/api/v1/batch-jobs/${id}/deliveries?status[]=failed`, null],
      ['POST', `/api/v1/batch-jobs/${id}/webhooks/replay?status=failed`, 'status'],
    ] as const) {
      const { status, headers } = await api.call(method, target);
      expect([target, status < 300, headers.get('x-ignored-parameters')]).toEqual([target, true, ignored]);
    }
  });

  it.each(['status=lost', 'limit=0', 'limit=x', 'cursor=nonsense', 'status=failed&status=pending'])(
    'the webhook endpoints refuse the query %s',
    async (query) => {
      expect(await api.call('GET', `/api/v1/webhook-deliveries?${query}`)).toMatchObject({
        status: 400,
        body: { code: 'VALIDATION_FAILED' },
      });
    },
  );

  it('the webhook endpoints send one delivery again on request: the same id and bytes, a new schedule', async () => {
    const id = await endedJob({ lots: 1 });
    receiver.behave(answer(500));
    for (let i = 0; i < 20; i++) {
      await rig.sendDue();
      rig.clock.advance(100_000_000);
    }
    const [failed] = (await list(`/api/v1/batch-jobs/${id}/deliveries`)).deliveries;
    expect(failed).toMatchObject({ status: 'failed' });
    receiver.behave(answer(204));
    const retried = await api.call('POST', `/api/v1/batch-jobs/${id}/deliveries/${failed?.id}/retry`);
    expect(retried).toMatchObject({ status: 202, body: { id: failed?.id, status: 'pending' } });
    // The circuit had opened; a retry by hand does not wait for it.
    await rig.sendDue();
    const bodies = new Set(receiver.requests.map(({ body }) => body.toString()));
    expect(bodies.size).toBe(1);
    expect(receiver.requests.at(-1)?.headers).toMatchObject({ 'webhook-id': failed?.id, 'x-delivery-attempt': '11' });
    expect((await list(`/api/v1/batch-jobs/${id}/deliveries`)).deliveries).toMatchObject([{ status: 'delivered' }]);
  });

  it('the webhook endpoints send all of a job again, once for each request and its repeats', async () => {
    const id = await endedJob();
    await rig.sendDue();
    expect(receiver.requests).toHaveLength(3);
    const target = `/api/v1/batch-jobs/${id}/webhooks/replay`;
    const first = await api.call('POST', target);
    expect(first).toMatchObject({ status: 202, body: { job_id: id, deliveries: 3 } });
    await rig.sendDue();
    expect(receiver.requests).toHaveLength(6);
    const ids = receiver.requests.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(3);
    // The same signed request again sends nothing.
    const repeat = await api.call('POST', target);
    expect(repeat).toMatchObject({ status: 202, body: { job_id: id, deliveries: 3 } });
    expect(repeat.headers.get('idempotent-replayed')).toBe('true');
    await rig.sendDue();
    expect(receiver.requests).toHaveLength(6);
    // Neither does one with the same Idempotency-Key, however it is signed.
    await api.call('POST', target, { idempotencyKey: 'once', later: 1 });
    await rig.sendDue();
    await api.call('POST', target, { idempotencyKey: 'once', later: 2 });
    await rig.sendDue();
    expect(receiver.requests).toHaveLength(9);
  });

  it('the webhook endpoints replay the webhooks of a failed job too, and remember that they did', async () => {
    const id = await seedJob(rig.db.database, {
      lots: 1,
      lotStatus: () => 'failed',
      webhookUrl: `${receiver.origin}/hook`,
    });
    await rig.end(id, 'failed');
    await rig.sendDue();
    const target = `/api/v1/batch-jobs/${id}/webhooks/replay`;
    await api.call('POST', target);
    await rig.sendDue();
    await api.call('POST', target);
    await rig.sendDue();
    expect(receiver.requests).toHaveLength(2);
  });

  it('the webhook endpoints show and resend nothing of another key id', async () => {
    const id = await endedJob({ lots: 1 });
    const [own] = (await list(`/api/v1/batch-jobs/${id}/deliveries`)).deliveries;
    const another = { secret: OTHER_SECRET };
    const answers = await Promise.all([
      api.call('GET', `/api/v1/batch-jobs/${id}/deliveries`, another),
      api.call('POST', `/api/v1/batch-jobs/${id}/deliveries/${own?.id}/retry`, another),
      api.call('POST', `/api/v1/batch-jobs/${id}/webhooks/replay`, another),
    ]);
    for (const refused of answers) expect(refused).toMatchObject({ status: 404, body: { code: 'JOB_NOT_FOUND' } });
    const { body } = await api.call('GET', '/api/v1/webhook-deliveries', another);
    expect(body).toMatchObject({ deliveries: [] });
    const otherJob = await endedJob({ lots: 1 });
    for (const deliveryId of [own?.id, 'nonsense', '00000000-0000-7000-8000-000000000000']) {
      expect(await api.call('POST', `/api/v1/batch-jobs/${otherJob}/deliveries/${deliveryId}/retry`)).toMatchObject({
        status: 404,
        body: { code: 'DELIVERY_NOT_FOUND' },
      });
    }
  });

  it('the webhook endpoints open to signed requests only', async () => {
    const id = await endedJob({ lots: 1 });
    expect(await api.call('GET', `/api/v1/batch-jobs/${id}/deliveries`, { secret: 'w'.repeat(40) })).toMatchObject({
      status: 403,
    });
    expect(await api.call('GET', `/api/v1/webhook-deliveries`, { later: -301 })).toMatchObject({ status: 403 });
  });

  describe('ping', () => {
    const ping = (url: unknown, call = {}) => api.call('POST', '/api/v1/webhooks/ping', { body: { url }, ...call });

    it('a ping sends a signed test event at once and says what came of it', async () => {
      const pinged = await ping(`${receiver.origin}/hook`);
      expect(pinged).toMatchObject({
        status: 200,
        body: { event: 'ping', job_id: null, status: 'delivered', attempts: [{ attempt: 1, outcome: 'delivered' }] },
      });
      const [request] = receiver.requests;
      const body = verifyRequest(request as Receiver['requests'][number]);
      expect(body).toEqual({
        event: 'ping',
        signature: body.signature,
        version: '1.0.0',
        timestamp: at(0),
        lots: [],
      });
      expect(request?.headers).not.toHaveProperty('x-job-id');
    });

    it('a ping says that it failed and does not try again', async () => {
      receiver.behave(answer(500));
      expect(await ping(receiver.origin)).toMatchObject({
        status: 200,
        body: { status: 'failed', error: 'the answer was not a 2xx' },
      });
      rig.clock.advance(1_000_000);
      await rig.sendDue();
      expect(receiver.requests).toHaveLength(1);
    });

    it('a ping sends nothing when it is repeated, and answers with the first', async () => {
      const first = await ping(receiver.origin);
      const repeat = await ping(receiver.origin);
      expect(repeat.body).toEqual(first.body);
      expect(repeat.headers.get('idempotent-replayed')).toBe('true');
      expect(receiver.requests).toHaveLength(1);
    });

    it('a ping refuses another body under the same Idempotency-Key', async () => {
      await ping(receiver.origin, { idempotencyKey: 'k' });
      expect(await ping(`${receiver.origin}/other`, { idempotencyKey: 'k' })).toMatchObject({
        status: 422,
        body: { code: 'IDEMPOTENCY_KEY_REUSED' },
      });
      expect(await ping(receiver.origin, { idempotencyKey: 'k'.repeat(256) })).toMatchObject({ status: 400 });
    });

    it('a ping closes the circuit of a receiver that is back', async () => {
      receiver.behave(answer(503));
      await endedJob({ lots: 40 });
      await rig.sendDue();
      const state = async () =>
        (await rig.db.database.query<{ opened_at: Date | null }>('select opened_at from webhook_endpoints'))[0];
      expect((await state())?.opened_at).not.toBeNull();
      receiver.behave(answer(204));
      await ping(receiver.origin);
      expect((await state())?.opened_at).toBeNull();
    });

    const noAddress = {
      status: 400,
      body: { code: 'VALIDATION_FAILED', details: { fields: [{ path: 'url', rule: 'a string' }], count: 1 } },
    };

    it.each([undefined, null, 5, ['http://a.test'], {}])('a ping refuses the address %j', async (url) => {
      expect(await ping(url)).toMatchObject(noAddress);
    });

    it.each([undefined, null, 5, 'http://a.test', ['http://a.test'], [{ url: 'http://a.test' }]])(
      'a ping refuses the body %j',
      async (body) => {
        expect(await api.call('POST', '/api/v1/webhooks/ping', { body })).toMatchObject(noAddress);
      },
    );

    it('a ping is of no use to reach what a client must not', async () => {
      const closed = await startApi(rig.db.url, rig.clock, '');
      const { port } = new URL(receiver.origin);
      for (const url of [
        receiver.origin,
        `http://localhost:${port}/`,
        'http://127.0.0.1/',
        'http://[::ffff:127.0.0.1]/',
        'http://169.254.169.254/latest/meta-data',
        'http://user@example.com/',
        'ftp://example.com/',
        'http://example.com:8080/',
        'nonsense',
      ]) {
        expect(await closed.call('POST', '/api/v1/webhooks/ping', { body: { url } })).toMatchObject({
          status: 422,
          body: { code: 'INVALID_WEBHOOK_URL' },
        });
      }
      expect(receiver.requests).toHaveLength(0);
      await closed.close();
    });
  });
});
