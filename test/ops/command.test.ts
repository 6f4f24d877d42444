import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { currentOperator } from '../../src/ops/operator.js';
import { insertJob, insertLot } from '../jobs/fixtures.js';
import { builtService } from '../support/built-service.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const SECRETS = { SHARED_KEY: 'dev-shared-key-0123456789abcdef012345', OPENAI_API_KEY: 'sk-never-shown-0123456789' };

// Real: the command as a process of its own, PostgreSQL. Faked: nothing.
describe('npm run ops', () => {
  let db: TestDatabase;
  let built: string;

  beforeAll(async () => {
    [db, built] = await Promise.all([createTestDatabase(), builtService()]);
  });
  afterAll(async () => {
    await db.drop();
  });

  async function run(words: readonly string[], environment: Record<string, string> = {}) {
    const child = spawn(process.execPath, [join(built, 'ops.js'), ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: db.url, ...SECRETS, ...environment },
    });
    const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { code: code as number | null, output, errors };
  }

  it('status works while no worker runs, and with --json prints one document without a secret', async () => {
    const { code, output, errors } = await run(['status', '--json']);
    expect([code, errors]).toEqual([0, '']);
    expect(JSON.parse(output)).toMatchObject({
      attention: ['No worker is running: batches and webhooks wait.'],
      workers: [],
      unknown: [],
    });
    for (const secret of [...Object.values(SECRETS), new URL(db.url).password].filter((each) => each !== '')) {
      expect(output).not.toContain(secret);
    }
  });

  it('an answer longer than a pipe takes at once arrives whole', async () => {
    const { database } = db;
    const job = await insertJob(database, { status: 'completed', totalLots: 900, failedLots: 900 });
    const error = { code: 'REFUSED', message: 'x'.repeat(200) };
    for (let lot = 0; lot < 900; lot++) await insertLot(database, job.id, lot, { status: 'failed', error });
    const { code, output } = await run(['failures', job.id, '--limit', '1000', '--json']);
    expect((JSON.parse(output) as { lots: unknown[] }).lots).toHaveLength(900);
    expect(output.length).toBeGreaterThan(200_000);
    expect(code).toBe(0);
  });

  it('an act prints what it did and the row that says who and why', async () => {
    const { id } = await insertJob(db.database);
    const { code, output, errors } = await run(['pause', id, '--reason', 'a host is down']);
    const [row] = await db.database.query('select id, operator, reason from operator_acts where job_id = $1', [id]);
    expect(row).toMatchObject({ operator: currentOperator(), reason: 'a host is down' });
    expect(output.split('\n')).toEqual([
      expect.stringMatching(/^The job is paused by an operator\. It resumes by itself at \S+Z\.$/),
      `On record as ${String(row?.['id'])}: ${currentOperator()}, a host is down`,
      '',
    ]);
    expect([code, errors]).toEqual([0, '']);
  });

  it('what cannot be done ends with one sentence and 1, a wrong command line with 2', async () => {
    const said = async (...words: string[]) => {
      const { code, output, errors } = await run(words);
      return [code, output, errors.split('\n')[0]];
    };
    expect(await said('pause', 'no-id\u001b[2J', '--reason', 'r')).toEqual([1, '', 'There is no job with this id.']);
    expect(await said('st\u001b[2Jop')).toEqual([2, '', String.raw`There is no command st\u001b[2Jop.`]);
    expect(await said('usage', '--from', '2026-02-01', '--to', '2026-01-01')).toEqual([
      2,
      '',
      '--from must not be after the last day, 2026-01-01.',
    ]);
    expect((await run(['--help'])).output).toMatch(/^Usage: npm run ops -- <command>/);
  });

  it('a database that is away is told in one sentence, a wrong setting in a line, without a secret', async () => {
    const away = 'postgres://somebody:hidden@127.0.0.1:1/generation';
    const { code, output, errors } = await run(['status'], { DATABASE_URL: away });
    expect([code, output]).toEqual([1, '']);
    expect(errors).toMatch(/^The database cannot be reached: .*\n$/);
    expect(errors).not.toContain('hidden');
    const wrong = await run(['status'], { SHARED_KEY: 'too-short-and-secret' });
    expect([wrong.code, wrong.output]).toEqual([1, '']);
    expect(wrong.errors).toMatch(/^The settings are not usable:\n {2}- SHARED_KEY.*\n$/);
    expect(wrong.errors).not.toContain('too-short-and-secret');
  });
});
