// Runs every example of the clients' READMEs as it stands, from packed files in empty folders, against a running demo:
//   GENERATION_SERVICE_URL=… GENERATION_SERVICE_SECRET=… PHOTO=… node scripts/client-examples.mjs [python]
// DENO and BUN name their programs, where there are any: they run the same packed file. The Python given needs httpx,
// pip and setuptools; nothing is installed into it.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const python = process.argv[2] ?? 'python3';
const folder = mkdtempSync(join(tmpdir(), 'client-examples-'));
const typescript = join(import.meta.dirname, '../sdk/typescript');
const runtimes = [
  { name: 'node', program: process.execPath, args: [] },
  {
    name: 'deno',
    program: process.env.DENO,
    args: ['run', '--quiet', '--allow-env', '--allow-net', '--allow-read', '--allow-write'],
  },
  { name: 'bun', program: process.env.BUN, args: ['run'] },
].filter(({ program }) => program !== undefined);

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

const tell = (what, printed) => console.log(`${what}\n${printed.replace(/^/gm, '  ')}`);

try {
  packed();
  for (const [index, code] of examples(join(typescript, 'README.md'), 'js').entries()) {
    writeFileSync(join(folder, 'example.mjs'), code);
    for (const { name, program, args } of runtimes)
      tell(`${name}, example ${index + 1}`, run(program, [...args, 'example.mjs']));
  }
  const path = [join(folder, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  for (const code of examples(join(typescript, 'README.md'), 'sh'))
    tell('the command line', run('bash', ['-euo', 'pipefail', '-c', code], { env: { ...process.env, PATH: path } }));

  const env = { ...process.env, PYTHONPATH: wheel() };
  for (const [index, code] of examples(join(import.meta.dirname, '../sdk/python/README.md'), 'python').entries())
    tell(`python, example ${index + 1}`, run(python, ['-c', code], { env }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function packed() {
  run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: typescript });
  const file = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--offline', `./${file}`]);
}

/** The folder into which the wheel was unpacked. It is built from a copy, because a build writes beside its sources. */
function wheel() {
  const [source, site] = [join(folder, 'source'), join(folder, 'site')];
  cpSync(join(import.meta.dirname, '../sdk/python'), source, { recursive: true });
  const pip = (...args) => run(python, ['-m', 'pip', '--quiet', '--disable-pip-version-check', ...args]);
  pip('wheel', '--no-deps', '--no-build-isolation', '--wheel-dir', folder, source);
  const file = readdirSync(folder).find((name) => name.endsWith('.whl'));
  pip('install', '--no-deps', '--no-index', '--target', site, join(folder, file));
  return site;
}
