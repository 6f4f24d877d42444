import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/common/ids.js';
import { insertJob, insertLot } from '../jobs/fixtures.js';
import { builtService } from '../support/built-service.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { packagePath } from './package-path.js';
import { blocksOf, type Block } from './page-blocks.js';

const GUIDE = 'ops-commands.md';
/** The most that the start of a process may take on a machine that is busy; the guide starts some twenty. */
const START_MS = 15_000;
const BETWEEN = '=== next block ===\n';

// Real: sh, the commands as processes, PostgreSQL. In place of npm stands a script that runs what package.json has under "ops" from
// the sources as they are now.
describe('the commands of docs/ops-commands.md', () => {
  let db: TestDatabase;
  let built: string;
  let folder: string;

  beforeAll(async () => {
    [db, built] = await Promise.all([createTestDatabase(), builtService()]);
    folder = mkdtempSync(join(tmpdir(), 'ops-commands-'));
    const npm = join(folder, 'npm');
    writeFileSync(
      npm,
      `#!/bin/sh\n[ "$1 $2 $3" = "run ops --" ] || exit 9\nshift 3\nexec node "${join(built, 'ops.js')}" "$@"\n`,
    );
    chmodSync(npm, 0o755);
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await db.drop();
  });

  /** The night of the guide: OpenAI has no quota, a receiver is down, three lots of an ended job have failed. */
  async function night(): Promise<Record<string, string>> {
    const at = new Date(Date.now() - 3_600_000);
    const failures = { DEADLINE_EXCEEDED: { lots: 3, first: at.toISOString(), last: at.toISOString() } };
    const ended = {
      status: 'completed',
      completedAt: at,
      totalLots: 4,
      processedLots: 1,
      failedLots: 3,
      failures,
    } as const;
    const { id: job } = await insertJob(db.database, { keyId: 'default', ...ended });
    const { id: running } = await insertJob(db.database, { keyId: 'default', totalLots: 12, createdAt: at });
    for (let position = 0; position < 4; position++) {
      const error = { code: 'DEADLINE_EXCEEDED', message: 'The deadline has passed.' };
      await insertLot(db.database, job, position, position === 0 ? {} : { status: 'failed', error });
    }
    await db.database.execute(`update batch_lot_inputs set images = '["https://cdn.test/1.jpg"]'`);
    await db.database.execute(
      `insert into openai_batches (job_id, stage, first_position, attempt, last_position, key_id, model, status, reason,
         next_check_at, created_at)
       values ($1, 'vision', 0, 1, 11, 'default', 'gpt-5.6-terra', 'queued', 'insufficient_quota', now(), now())`,
      [running],
    );
    await db.database.execute(
      `insert into openai_models (upstream, model, paused_until, reason, updated_at)
       values ('u', 'gpt-5.6-terra', now() + interval '5 minutes', 'insufficient_quota', now())`,
    );
    await db.database.execute(
      `insert into webhook_endpoints (key_id, origin, consecutive_failures, opened_at, open_until, last_error, updated_at)
       values ('default', 'https://hooks.test', 12, now(), now(), 'connect ECONNREFUSED', now())`,
    );
    for (const status of ['pending', 'failed']) {
      await db.database.execute(
        `insert into webhook_deliveries (id, job_id, key_id, origin, url, event, status, next_attempt_at, created_at)
         values ($1, $2, 'default', 'https://hooks.test', 'https://hooks.test/', 'batch_job_completed', $3,
           now() - interval '20 minutes', now())`,
        [newId(), job, status],
      );
    }
    await db.database.execute(
      `insert into key_usage values ('default', (now() at time zone 'utc')::date, 'gpt-5.6-terra', 'batch', 120, 816000, 0, 96000, 1.15)`,
    );
    return { JOB: job, RUNNING: running };
  }

  it('package.json runs the built command under the name that the guide types', () => {
    const { scripts } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts['ops']).toBe('node --enable-source-maps dist/ops.js');
  });

  it(
    'the commands of docs/ops-commands.md run as they are printed, and print what is shown',
    async () => {
      const blocks = blocksOf(GUIDE);
      const commands = blocks.filter(({ language }) => language === 'sh');
      expect(commands.length).toBeGreaterThan(8);
      const shell = spawn('sh', ['-eu'], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: {
          ...process.env,
          PATH: `${folder}:${process.env['PATH'] ?? ''}`,
          DATABASE_URL: db.url,
          SHARED_KEY: 'dev-shared-key-0123456789abcdef012345',
          OPENAI_API_KEY: 'unused',
          ...(await night()),
        },
      });
      shell.stdin.end(commands.map(({ code }) => code).join(`\nprintf '${BETWEEN.replace('\n', '\\n')}'\n`));
      const [printed, [code]] = await Promise.all([text(shell.stdout), once(shell, 'close')]);
      if (process.env['PRINT'] !== undefined) console.log(printed);
      expect({ code, printed: code === 0 ? '' : printed }).toEqual({ code: 0, printed: '' });
      const outputs = printed.split(BETWEEN);
      expect(outputs).toHaveLength(commands.length);
      for (const [index, command] of commands.entries()) expectShown(blocks, command, outputs[index] ?? '');
    },
    START_MS * 20,
  );

  /** The block right behind commands shows lines that they print; ids, times and widths differ. */
  function expectShown(blocks: readonly Block[], command: Block, printed: string): void {
    const shown = blocks[blocks.indexOf(command) + 1];
    if (shown?.language === 'json') {
      const whole = printed.slice(printed.indexOf('\n{\n') + 1);
      expect(membersOf(JSON.parse(whole)), command.code).toEqual(membersOf(JSON.parse(shown.code)));
    } else if (shown?.language === 'text') {
      const lines = new Set(printed.split('\n').map(comparable));
      const missing = shown.code
        .split('\n')
        .map(comparable)
        .filter((line) => !lines.has(line));
      expect(missing, `${command.code}\nprinted ${printed}`).toEqual([]);
    }
  }
});

/** A line without what differs from run to run. */
function comparable(line: string): string {
  return line
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
    .replaceAll(/(\d{4}-\d{2}-\d{2}T)?\d{2}:\d{2}:\d{2}Z/g, 'TIME')
    .replaceAll(/\d+ (s|min|h|d)( \d+ (min|h))?\b/g, 'AGE')
    .replaceAll(/ +/g, ' ');
}

/** The names of all members, of lists those of the first item. */
function membersOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(membersOf);
  if (typeof value !== 'object' || value === null) return null;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, membersOf(member)]));
}
