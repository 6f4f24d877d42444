import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/common/ids.js';
import { builtService } from '../support/built-service.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { storedJob } from './stored-job.js';

/** Any fixed number: the lock at which a trigger stops the command within a chunk. */
const GATE = 7_402_118_699;

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

// Real: the command as a process of its own, PostgreSQL. Faked: nothing.
describe('npm run rerender', () => {
  let db: TestDatabase;
  let built: string;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    [db, built] = await Promise.all([createTestDatabase(), builtService()]);
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  afterAll(async () => {
    await db.drop();
  });

  function start(...args: string[]): { child: ChildProcess; ended: Promise<Ended> } {
    const child = spawn(process.execPath, [join(built, 'rerender.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        DATABASE_URL: db.url,
        SHARED_KEY: 'dev-shared-key-0123456789abcdef012345',
        OPENAI_API_KEY: 'unused',
        LEASE_SECONDS: '1',
      },
    });
    children.push(child);
    const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]).then(
      ([output, errors, [code]]) => ({ code: code as number | null, output, errors }),
    );
    return { child, ended };
  }

  const run = (...args: string[]) => start(...args).ended;

  /** Stops every process that writes the lot at this position under a later revision, until it is let go. */
  async function gateAt(position: number): Promise<{ reached: Promise<void>; open: () => Promise<void> }> {
    await db.database.execute(
      `create or replace function wait_at_gate() returns trigger language plpgsql as $$
       begin perform pg_advisory_xact_lock(${GATE}); return new; end $$`,
    );
    await db.database.execute(
      `create or replace trigger gate before insert on batch_results for each row
       when (new.revision > 0 and new.position = ${position}) execute function wait_at_gate()`,
    );
    const keeper = new pg.Client({ connectionString: db.url });
    await keeper.connect();
    await keeper.query('select pg_advisory_lock($1)', [GATE]);
    const reached = async () => {
      for (;;) {
        const { rowCount } = await keeper.query(
          `select 1 from pg_locks where locktype = 'advisory' and not granted and database =
             (select oid from pg_database where datname = current_database())`,
        );
        if (rowCount !== 0) return;
      }
    };
    return { reached: reached(), open: () => keeper.end() };
  }

  async function stateOf(id: string): Promise<{ revision: number; written: number }> {
    const [row] = await db.database.query<{ revision: number; written: number }>(
      `select revision, (select count(distinct position) from batch_results where job_id = $1 and revision = 1)::int as written
       from batch_jobs where id = $1`,
      [id],
    );
    return row as { revision: number; written: number };
  }

  it('npm run rerender shows the new texts and says how many there are', async () => {
    const id = await storedJob(db, { lots: 3 });
    await expect(run(id)).resolves.toEqual({
      code: 0,
      output: `Job ${id} shows revision 1. Lots with new texts: 3; lots that keep theirs: 0.\n`,
      errors: '',
    });
    expect(await stateOf(id)).toEqual({ revision: 1, written: 3 });
  });

  it('npm run rerender that is killed in the middle shows nothing, and the next one writes all of it', async () => {
    const id = await storedJob(db, { lots: 250 });
    const gate = await gateAt(150);
    const { child, ended } = start(id);
    await gate.reached;
    child.kill('SIGKILL');
    await ended;
    await gate.open();
    expect(await stateOf(id)).toEqual({ revision: 0, written: 100 });
    const { code, output } = await run(id);
    expect(output).toContain('Lots with new texts: 250;');
    expect(code).toBe(0);
    expect(await stateOf(id)).toEqual({ revision: 1, written: 250 });
  });

  it('npm run rerender that is told to stop ends after the lots in hand, and need not be waited for', async () => {
    const id = await storedJob(db, { lots: 250 });
    const gate = await gateAt(50);
    const { child, ended } = start(id);
    await gate.reached;
    child.kill('SIGTERM');
    await gate.open();
    await expect(ended).resolves.toEqual({
      code: 1,
      output: '',
      errors: 'Stopped. The job shows what it showed before; the same command begins again.\n',
    });
    expect(await stateOf(id)).toEqual({ revision: 0, written: 100 });
    const [job] = await db.database.query('select lock_token, locked_until from batch_jobs where id = $1', [id]);
    expect(job).toEqual({ lock_token: null, locked_until: null });
  });

  it('npm run rerender says in words why it does nothing', async () => {
    const running = await storedJob(db, { columns: { status: 'processing', completedAt: null } });
    const [usage, none, early] = await Promise.all([run(), run(newId()), run(running)]);
    expect(usage).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/^Usage: npm run rerender -- <job>/) as string,
    });
    expect(none).toMatchObject({ code: 1, output: '', errors: expect.stringMatching(/^There is no job/) as string });
    expect(early).toMatchObject({ code: 1, errors: expect.stringContaining('Only a job that has ended') as string });
  });
});
