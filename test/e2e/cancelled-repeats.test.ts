import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from 'openai-sandbox';
import { GENERATE, hmac, lotOf, sign, TestService, type Answer } from '../support/service.js';
import { expectRefusal } from './refusal.js';

// Real: two processes' worth of the service on one database, HTTP, hang-ups. Faked: OpenAI, by the sandbox.

let service: TestService;
let other: TestService;

function startBoth(settings: Record<string, string> = {}): void {
  beforeAll(async () => {
    const environment = { ROLE: 'api', ...settings };
    service = await TestService.start({ environment });
    other = await TestService.start({ environment, beside: service });
  });
  beforeEach(() => service.reset());
  afterAll(async () => {
    await other.stop();
    await service.stop();
  });
}

const replayed = (answer: Answer) => answer.headers.get('idempotent-replayed');
const ended = (body: JsonObject) => /completed|failed|cancelled/.test(String(body['status']));
const NEVER = { action: 'latency', ms: 3_600_000, count: 1, path: '/v1/responses' };

interface Prepared {
  /** The same bytes under the same signature each time. */
  readonly send: (to?: TestService, signal?: AbortSignal) => Promise<Answer>;
  readonly jobId: () => Promise<string>;
}

function prepare(scheme: 1 | 2, key: boolean, photo = service.urls.car): Prepared {
  const lot = lotOf(service.request());
  const lots = `[{"images":[{"url":"${photo}"}],"lot_id":"${String(lot['lot_id'])}"}]`;
  const signature = scheme === 2 ? `"signature":"${hmac(lots)}",` : '';
  const text = `{${signature}"version":"1.0.0","languages":["en"],"lots":${lots}}`;
  const headers = {
    'Content-Type': 'application/json',
    ...(scheme === 1 ? sign(GENERATE, text, { method: 'POST' }) : {}),
    ...(key ? { 'Idempotency-Key': randomUUID() } : {}),
  };
  return {
    send: (to = service, signal) => to.sendAsIs(GENERATE, 'POST', headers, text, signal),
    jobId: async () => {
      for (;;) {
        const job = await service.jobOfLot({ lots: [lot] });
        if (job !== undefined) return String(job['id']);
      }
    },
  };
}

/** A description, or a job that goes on until there is one. */
async function expectDescribed(answer: Answer): Promise<void> {
  expect([200, 202]).toContain(answer.status);
  if (answer.status === 200) {
    expect(lotOf(answer.body)).toMatchObject({ status: 'completed', descriptions: [{ language: 'en' }] });
    return;
  }
  expect(await service.statusWhen(String(answer.body['job_id']), ended)).toMatchObject({ status: 'completed' });
}

/** Resolves when this many statements wait for a locked row, without those that renew leases, which come at any moment. */
async function statementsWait(count: number): Promise<void> {
  for (;;) {
    const [row] = await service.db.database.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
         and query not like '%set locked_until = clock_timestamp()%'`,
    );
    if (row?.n === count) return;
  }
}

const KINDS = ([1, 2] as const).flatMap((scheme) => [false, true].map((key) => ({ scheme, key })));

describe('with leases of a second, so that a client that waits for a cancelled job soon hears of it', () => {
  startBoth({ LEASE_SECONDS: '1' });

  describe.each(KINDS)(
    'a repeat at once, its client having hung up (scheme $scheme, Idempotency-Key: $key)',
    ({ scheme, key }) => {
      it.each([
        ['the same process', () => service],
        ['another process', () => other],
      ])('a repeat at once gets a description from %s, at whatever moment it comes', async (_which, target) => {
        await service.faults({ action: 'latency', ms: 40, path: '/v1/responses' });
        for (let round = 0; round < (key ? 3 : 12); round++) {
          const { send, jobId } = prepare(scheme, key);
          const hangUp = new AbortController();
          const first = send(service, hangUp.signal).catch(() => 'hung up');
          await jobId();
          // The repeat by turns before the hang-up, with it, and one look at the database after it.
          const early = round % 3 === 0 ? send(target()) : undefined;
          hangUp.abort();
          if (round % 3 === 2) await jobId();
          await expectDescribed(await (early ?? send(target())));
          await first;
        }
      });
    },
  );

  describe('a client that waits for a job which another request cancels', () => {
    it.each(KINDS)(
      'a client that waits for a job which another request cancels gets 409 JOB_CANCELLED, and its repeat begins anew (scheme $scheme, Idempotency-Key: $key)',
      async (kind) => {
        await service.faults(NEVER);
        const { send, jobId } = prepare(kind.scheme, kind.key);
        const waiting = send();
        await service.callsWhen((calls) => calls.length === 1);
        const id = await jobId();
        const cancelled = await other.send(`/api/v1/batch-jobs/${id}/cancel`, { method: 'POST' });
        expect(cancelled.status).toBe(200);
        expectRefusal(await waiting, 'JOB_CANCELLED', { details: { job_id: id } });
        const again = await send();
        expect([again.status, replayed(again)]).toEqual([200, null]);
        expect(again.body['job_id']).not.toBe(id);
        await expectDescribed(again);
      },
    );
  });
});

// A second of lease would be over while a row is locked here.
describe('with the usual leases', () => {
  startBoth();

  describe.each([1, 2] as const)('a repeat while its client is hanging up (scheme %i)', (scheme) => {
    it.each([
      ['the same process', () => service],
      ['another process', () => other],
    ])('a repeat begins anew where the cancel came first, in %s', async (_which, target) => {
      await service.faults(NEVER);
      const { send, jobId } = prepare(scheme, false);
      const hangUp = new AbortController();
      const first = send(service, hangUp.signal).catch(() => 'hung up');
      await service.callsWhen((calls) => calls.length === 1);
      const id = await jobId();
      const repeat = await service.db.database.transaction(async (tx) => {
        await tx.query('select 1 from batch_jobs where id = $1 for update', [id]);
        hangUp.abort();
        await statementsWait(1);
        const sent = send(target());
        await statementsWait(2);
        return { sent };
      });
      const answer = await repeat.sent;
      expect([answer.status, replayed(answer)]).toEqual([200, null]);
      expect(answer.body['job_id']).not.toBe(id);
      await expectDescribed(answer);
      expect(await first).toBe('hung up');
      expect(await service.job(id)).toMatchObject({ status: 'cancelled' });
      await service.callsWhen((calls) => calls.map(({ outcome }) => outcome).join() === 'aborted,answered');
    });

    it.each([
      ['the same process', () => service],
      ['another process', () => other],
    ])('a repeat gets the work that goes on where it came first, in %s', async (_which, target) => {
      const photo = await service.heldPhoto();
      const { send, jobId } = prepare(scheme, false, photo.url);
      const hangUp = new AbortController();
      const first = send(service, hangUp.signal).catch(() => 'hung up');
      await service.callsWhen((calls) => calls.length === 1);
      const id = await jobId();
      const repeat = await service.db.database.transaction(async (tx) => {
        await tx.query('select 1 from batch_jobs where id = $1 for update', [id]);
        const sent = send(target());
        await statementsWait(1);
        hangUp.abort();
        await statementsWait(2);
        return { sent };
      });
      const answer = await repeat.sent;
      expect([answer.status, replayed(answer), answer.body['job_id']]).toEqual([202, 'true', id]);
      photo.release();
      await expectDescribed(answer);
      expect(await first).toBe('hung up');
      // The work was not stopped and started again: there was one call, and it was answered.
      expect((await service.calls()).map(({ outcome }) => outcome)).toEqual(['answered']);
    });
  });
});
