import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lotOf, TestService } from '../support/service.js';
import { generate, Processes, type Process } from './processes.js';

// Real: the service in a process of its own, its signals, HTTP, PostgreSQL. Faked: OpenAI, by the sandbox.

let observer: TestService;
let processes: Processes;
let folder: string;

beforeAll(async () => {
  observer = await TestService.start({ environment: { ROLE: 'api' } });
  processes = await Processes.of(observer);
  folder = await mkdtemp(join(tmpdir(), 'generation-drain-'));
});
beforeEach(() => observer.reset());
afterEach(() => processes.killAll());
afterAll(async () => {
  await observer.stop();
  await rm(folder, { recursive: true, force: true });
});

const NEVER = { action: 'latency', ms: 3_600_000, count: 1, path: '/v1/responses' };

/** Resolves once the process says that it is ending. */
async function draining({ origin }: Process): Promise<void> {
  for (;;) {
    const answer = await fetch(`${origin}/ready`);
    await answer.arrayBuffer();
    if (answer.status === 503) return;
  }
}

async function statementWaits(): Promise<void> {
  for (;;) {
    const rows = await observer.db.database.query(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (rows.length > 0) return;
  }
}

describe('a process that drains', () => {
  it('a process that drains works on what still comes within its grace, and ends when all is answered', async () => {
    await observer.faults(NEVER);
    const service = await processes.start({ SHUTDOWN_GRACE: '3600' });
    const hangUp = new AbortController();
    const held = generate(service, observer.request(), {}, hangUp.signal).catch(() => 'hung up');
    await observer.callsWhen((calls) => calls.length === 1);
    const exit = once(service.child, 'exit');
    service.child.kill('SIGTERM');
    await draining(service);
    const answers = await Promise.all(Array.from({ length: 5 }, () => generate(service, observer.request())));
    for (const { status, body } of answers) {
      expect(status).toBe(200);
      expect(lotOf(body)).toMatchObject({ status: 'completed', descriptions: [{ language: 'en' }] });
    }
    hangUp.abort();
    expect(await held).toBe('hung up');
    expect(await exit).toEqual([0, null]);
  });

  it('a process that drains waits for the last hand-over without keeping the processor busy', async () => {
    const counter = join(folder, 'count-turns.mjs');
    await writeFile(
      counter,
      `let turns = 0;
       const setImmediate_ = globalThis.setImmediate;
       globalThis.setImmediate = (...all) => { turns += 1; return setImmediate_(...all); };
       process.on('exit', () => console.log(JSON.stringify({ turns })));`,
    );
    await observer.faults(NEVER);
    // With the usual lease nothing but the hand-over waits for the row, and the process holds its job throughout.
    const settings = { SHUTDOWN_GRACE: '0', LEASE_SECONDS: '60', NODE_OPTIONS: `--import ${counter}` };
    const service = await processes.start(settings);
    const body = observer.request();
    const waiting = generate(service, body);
    await observer.callsWhen((calls) => calls.length === 1);
    const id = String((await observer.jobOfLot(body))?.['id']);
    const exit = once(service.child, 'exit');
    await observer.db.database.transaction(async (tx) => {
      await tx.query('select 1 from batch_jobs where id = $1 for update', [id]);
      service.child.kill('SIGTERM');
      await statementWaits();
      // Time for many turns of its loop, in which it answers others.
      for (let probe = 0; probe < 50; probe++) await (await fetch(`${service.origin}/health`)).arrayBuffer();
    });
    expect((await waiting).status).toBe(202);
    expect(await exit).toEqual([0, null]);
    const turns = Number(/"turns":(\d+)/.exec(service.log())?.[1]);
    expect(turns).toBeLessThan(500);
  });
});

describe('a process that leaves its place behind a proxy', () => {
  it('a process that leaves its place behind a proxy closes kept connections by its answers, then takes none, and answers what it has', async () => {
    await observer.faults(NEVER);
    const service = await processes.start({ SHUTDOWN_DELAY: '4', SHUTDOWN_GRACE: '3600', ROLE: 'api' });
    const hangUp = new AbortController();
    const held = generate(service, observer.request(), {}, hangUp.signal).catch(() => 'hung up');
    await observer.callsWhen((calls) => calls.length === 1);
    const exit = once(service.child, 'exit');
    const kept = await fetch(`${service.origin}/health`);
    expect(kept.headers.get('connection')).toBe('keep-alive');
    service.child.kill('SIGTERM');
    await draining(service);
    const answer = await generate(service, observer.request());
    expect(answer.status).toBe(200);
    const health = await fetch(`${service.origin}/health`);
    expect([health.status, health.headers.get('connection')]).toEqual([200, 'close']);
    await refused(service);
    // The lot is still with the model, and its client still waits.
    expect(service.child.exitCode).toBeNull();
    hangUp.abort();
    expect(await held).toBe('hung up');
    expect(await exit).toEqual([0, null]);
  });
});

/** Resolves once the process takes no connection. */
async function refused({ origin }: Process): Promise<void> {
  for (;;) {
    const answer = await fetch(`${origin}/health`).catch(() => undefined);
    if (answer === undefined) return;
    await answer.arrayBuffer();
  }
}
