import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

// Real: the script and its files. Faked: npm, which writes down how it was called.

const SCRIPT = join(import.meta.dirname, '..', '..', 'scripts', 'ensure-installed.mjs');

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'generation-install-'));
  await write('scripts/ensure-installed.mjs', 1);
  await copyFile(SCRIPT, join(root, 'scripts/ensure-installed.mjs'));
  await write('bin/npm', 1, '#!/bin/sh\necho "$@" >> calls\nexit ${NPM_EXIT:-0}\n');
  await chmod(join(root, 'bin/npm'), 0o755);
  await write('package-lock.json', 100);
  await write('src/room/file.ts', 100);
  await setTime('src/room', 100);
  await setTime('src', 100);
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function write(path: string, seconds: number, text = ''): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
  await setTime(path, seconds);
}

const setTime = (path: string, seconds: number) => utimes(join(root, path), seconds, seconds);

async function run(args: string[] = [], env: Record<string, string> = {}): Promise<{ calls: string[]; said: string }> {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [join(root, 'scripts/ensure-installed.mjs'), ...args],
    { cwd: root, env: { PATH: `${join(root, 'bin')}:/usr/bin:/bin`, ...env } },
  );
  const calls = await readFile(join(root, 'calls'), 'utf8').catch(() => '');
  return { calls: calls.split('\n').filter((line) => line !== ''), said: stdout + stderr };
}

it('ensure-installed installs where nothing is installed', async () => {
  const { calls } = await run();
  expect(calls).toEqual([expect.stringMatching(/^ci /)]);
});

it('ensure-installed installs when the lockfile is newer than what is installed', async () => {
  await write('node_modules/.package-lock.json', 99);
  expect((await run()).calls).toEqual([expect.stringMatching(/^ci /)]);
});

it('ensure-installed does and says nothing when all is in place', async () => {
  await write('node_modules/.package-lock.json', 101);
  await write('dist/main.js', 101);
  expect(await run(['--build'])).toEqual({ calls: [], said: '' });
});

it.each([
  ['nothing is built', () => Promise.resolve()],
  ['a source is newer than what was built', () => write('dist/main.js', 99)],
  [
    'a source was deleted since',
    async () => {
      await write('dist/main.js', 150);
      await setTime('src/room', 200);
    },
  ],
])('ensure-installed builds, when asked to, where %s', async (_case, prepare) => {
  await write('node_modules/.package-lock.json', 101);
  await prepare();
  expect((await run(['--build'])).calls).toEqual(['run --silent build']);
});

it('ensure-installed ends with npm’s own exit code', async () => {
  await expect(run([], { NPM_EXIT: '7' })).rejects.toMatchObject({ code: 7 });
});
