// Runs every example of the clients' READMEs as it stands, from packed files in empty folders, against a running demo:
//   GENERATION_SERVICE_URL=… GENERATION_SERVICE_SECRET=… PHOTO=… node scripts/client-examples.mjs [python]
// The Python given needs httpx; its venv gets nothing installed, the package is used from its folder.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const python = process.argv[2] ?? 'python3';
const folder = mkdtempSync(join(tmpdir(), 'client-examples-'));
const typescript = join(import.meta.dirname, '../sdk/typescript');

const run = (command, args, options = {}) => {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 90_000,
    ...options,
  });
  if (error || status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stdout}\n${stderr}`, { cause: error });
  return stdout;
};

const examples = (readme, language) =>
  [...readFileSync(readme, 'utf8').matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code);

try {
  run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: typescript });
  const packed = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--offline', `./${packed}`]);
  const path = [join(folder, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  for (const code of examples(join(typescript, 'README.md'), 'js')) {
    writeFileSync(join(folder, 'example.mjs'), code);
    console.log(run(process.execPath, ['example.mjs']));
  }
  for (const code of examples(join(typescript, 'README.md'), 'sh'))
    console.log(run('bash', ['-euo', 'pipefail', '-c', code], { env: { ...process.env, PATH: path } }));
  const env = { ...process.env, PYTHONPATH: join(import.meta.dirname, '../sdk/python/src') };
  for (const code of examples(join(import.meta.dirname, '../sdk/python/README.md'), 'python'))
    console.log(run(python, ['-c', code], { env }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
