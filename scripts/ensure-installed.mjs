/**
 * Runs before `npm test` and `npm run demo`, so that both work in a fresh clone: installs what package-lock.json names
 * when that is not what node_modules holds, and with `--build` builds when a source is newer than what was built.
 * Says nothing when there is nothing to do. Plain Node: it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
/** npm writes this file last, so it is missing or old after an installation that was cut short. */
const INSTALLED = 'node_modules/.package-lock.json';
/** tsc's last output of a build; dist/ itself keeps its time when files in it are rewritten. */
const BUILT = 'dist/main.js';
const BUILD_INPUTS = ['src', 'packages/openai-sandbox/src', 'package-lock.json', 'tsconfig.json', 'nest-cli.json'];

if (timeOf(INSTALLED) < timeOf('package-lock.json')) {
  console.error('Installing the dependencies (npm ci) …');
  npm('ci', '--no-audit', '--no-fund', '--loglevel=error');
}
if (process.argv.includes('--build') && timeOf(BUILT) < Math.max(...BUILD_INPUTS.map(newestIn))) {
  console.error('Building (npm run build) …');
  npm('run', '--silent', 'build');
}

/** When the file was last written, or 0 where there is none. */
function timeOf(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function newestIn(path) {
  if (!statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory()) return timeOf(path);
  const entries = readdirSync(join(root, path)).map((entry) => newestIn(join(path, entry)));
  // The folder's own time too, because only it shows that a file was deleted.
  return Math.max(timeOf(path), ...entries);
}

function npm(...args) {
  // The npm that runs this script, if there is one; the npm on the PATH may be older.
  const runner = process.env.npm_execpath;
  const [command, rest] = runner?.endsWith('.js') ? [process.execPath, [runner, ...args]] : ['npm', args];
  const { status, error } = spawnSync(command, rest, {
    cwd: root,
    // Standard output is kept for the command that runs next; the demo's output may be piped.
    stdio: ['ignore', 2, 2],
    shell: command === 'npm' && process.platform === 'win32',
  });
  if (error) console.error(`npm could not be run: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}
