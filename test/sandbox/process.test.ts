import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sandboxEnvironment } from '../../src/config/sandbox-environment.js';
import { startSandbox } from '../../src/sandbox/sandbox-process.js';
import { createBatch, inState, lines, results } from '../../packages/openai-sandbox/test/batch-support.js';
import { TestSandbox } from '../../packages/openai-sandbox/test/support.js';

const LOADER = join(import.meta.dirname, '../support/typescript-loader.mjs');
const MAIN = join(import.meta.dirname, '../../src/sandbox/main.ts');
const PARENT = join(import.meta.dirname, 'parent.mjs');
/** The sandbox's source, run as the built program would be. */
const PROGRAM = ['--import', LOADER, MAIN];

let stateDir: string;

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'sandbox-process-'));
});

afterEach(() => rm(stateDir, { recursive: true, force: true }));

const models = (baseUrl: string) => fetch(`${baseUrl}/models`, { headers: { authorization: 'Bearer x' } });

describe('the process', () => {
  it("the sandbox's process listens on loopback, answers, and ends when told", async () => {
    const sandbox = await startSandbox({ stateDir, allow: [], program: PROGRAM });
    expect(sandbox.baseUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    expect((await models(sandbox.baseUrl)).status).toBe(200);
    await sandbox.stop();
    expect(await sandbox.exited).toBe(0);
    await expect(models(sandbox.baseUrl)).rejects.toThrow();
  });

  it("the sandbox's process dies with its parent, also after kill -9", async () => {
    const parent = spawn(process.execPath, ['--import', LOADER, PARENT, stateDir, ...PROGRAM], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [text] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    const { pid } = JSON.parse(text) as { pid: number };
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    // The child holds the other end of this pipe: it closes when both are gone.
    await once(parent.stdout, 'close');
    while (isAlive(pid)) await new Promise((resolve) => setImmediate(resolve));
    expect(isAlive(pid)).toBe(false);
  });

  it("the sandbox's process says which setting is wrong, and not its value", async () => {
    const start = startSandbox({ stateDir, allow: [], program: PROGRAM, env: { SANDBOX_SPEED: 'hunter2' } });
    await expect(start).rejects.toThrow(/SANDBOX_SPEED must be/);
    await expect(start).rejects.not.toThrow(/hunter2/);
  });
});

describe('a restart with the same folder', () => {
  it('the sandbox goes on after a restart with a batch that was running, and its clock does not run back', async () => {
    let sandbox = await TestSandbox.start({ SANDBOX_BATCH_RUN_SECONDS: '100000' }, stateDir);
    await sandbox.call('POST', '/sandbox/clock', { advanceSeconds: 7200 });
    const batch = await createBatch(sandbox, lines(20));
    await inState(sandbox, batch, 'in_progress');
    await sandbox.server.close();
    sandbox = await TestSandbox.start({}, stateDir);
    const done = await inState(sandbox, batch);
    expect(done).toMatchObject({ status: 'completed', request_counts: { total: 20, completed: 20 } });
    expect(Number(done['completed_at'])).toBeGreaterThanOrEqual(Number(batch['created_at']));
    expect(await results(sandbox, done['output_file_id'])).toHaveLength(20);
    await sandbox.stop();
  });
});

describe('settings', () => {
  it("the sandbox's process gets its own settings and none of the service’s secrets", () => {
    const given = { SANDBOX_SPEED: '5', PATH: '/bin', SHARED_KEY: 'secret', OPENAI_API_KEY: 'sk', DATABASE_URL: 'x' };
    expect(sandboxEnvironment(given)).toEqual({ SANDBOX_SPEED: '5', PATH: '/bin' });
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
