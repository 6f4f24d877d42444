// nginx with deploy/nginx.conf as it is, but for ports, the folder of its certificate and the addresses of the two api.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../free-port.mjs';
import { pause, processFigures } from '../prove/stage.mjs';

const CONF = new URL('../../deploy/nginx.conf', import.meta.url);

/** What is missing on this machine, as Debian's packages; empty when all is there. */
export function missingPackages() {
  const programs = { nginx: ['nginx', '-v'], openssl: ['openssl', 'version'] };
  return Object.keys(programs).filter((name) => spawnSync(programs[name][0], [programs[name][1]]).error !== undefined);
}

/** @param upstreams - the ports of the two api */
export async function startNginx([first, second]) {
  // nginx's workers have another user than the one who started it, and must get to their own folders.
  const folder = await mkdtemp(join(tmpdir(), 'generation-nginx-'));
  for (const name of ['tls', 'body', 'proxy']) await mkdir(join(folder, name), { recursive: true });
  const certificate = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const files = ['-keyout', join(folder, 'tls/tls.key'), '-out', join(folder, 'tls/tls.crt')];
  const made = spawnSync('openssl', [...certificate, ...names, ...files]);
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr.toString()}`);
  const [port, plainPort] = [await freePort(), await freePort()];
  const shipped = await readFile(CONF, 'utf8');
  const changes = [
    ['api-1:3000', `127.0.0.1:${first}`],
    ['api-2:3000', `127.0.0.1:${second}`],
    ['/etc/nginx/tls/tls.crt', join(folder, 'tls/tls.crt')],
    ['/etc/nginx/tls/tls.key', join(folder, 'tls/tls.key')],
    ['listen 443 ', `listen 127.0.0.1:${port} `],
    ['listen 80 ', `listen 127.0.0.1:${plainPort} `],
    ['/run/nginx.pid', join(folder, 'nginx.pid')],
    ['/var/log/nginx/error.log', 'stderr'],
    ['/var/log/nginx/access.log', join(folder, 'access.log')],
    ['http {', `http { client_body_temp_path ${join(folder, 'body')}; proxy_temp_path ${join(folder, 'proxy')};`],
  ];
  let text = shipped;
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`deploy/nginx.conf has no ${from}`);
    text = text.replace(from, to);
  }
  await writeFile(join(folder, 'nginx.conf'), text);
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  for (let tries = 0; !(await isOpen(port)); tries++) {
    if (child.exitCode !== null || tries > 100) throw new Error(`nginx did not start: ${errors}`);
    await pause(50);
  }
  return {
    child,
    port,
    plainPort,
    folder,
    ca: await readFile(join(folder, 'tls/tls.crt'), 'utf8'),
    errors: () => errors,
    /** Whether it put a body on disk; it removes a file's name as it makes it, so only the folder's time tells. */
    wroteBodies: async (since) => (await stat(join(folder, 'body'))).mtimeMs > since,
    /** Of that of its processes that has most. */
    async peakMb() {
      const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(child.pid)]);
      const workers = stdout.toString().trim().split(/\s+/);
      return Math.max(...(await Promise.all(workers.map(async (pid) => (await processFigures(pid)).peakMb))));
    },
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function isOpen(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}
