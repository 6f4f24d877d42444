// PostgreSQL servers of the distribution's package, with the tools of a backup, because the embedded one has no pg_dump.
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../free-port.mjs';

const DEBIAN = '/usr/lib/postgresql';
const TOOLS = ['initdb', 'pg_ctl', 'createdb', 'pg_dump', 'pg_restore'];

/** The folder of the newest version that has all tools; undefined when there is none. */
export function toolsFolder() {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  return versions
    .map((version) => join(DEBIAN, version, 'bin'))
    .find((folder) => TOOLS.every((tool) => existsSync(join(folder, tool))));
}

/** A server of its own with an empty database `generation`. */
export class Server {
  constructor(bin, port) {
    this.bin = bin;
    this.port = port;
    this.url = `postgres://generation@127.0.0.1:${port}/generation`;
    this.folder = mkdtempSync(join(tmpdir(), 'generation-restore-'));
    this.owner = postgresUser();
    if (this.owner !== undefined) chownSync(this.folder, this.owner.uid, this.owner.gid);
  }

  static async start(bin) {
    const server = new Server(bin, await freePort());
    server.run('initdb', '-D', server.data, '-U', 'generation', '-A', 'trust', '-E', 'UTF8', '--locale', 'C');
    server.run(
      'pg_ctl',
      '-D',
      server.data,
      '-w',
      '-s',
      '-l',
      join(server.folder, 'log'),
      '-o',
      server.options,
      'start',
    );
    server.run('createdb', '-h', '127.0.0.1', '-p', String(server.port), '-U', 'generation', 'generation');
    return server;
  }

  get data() {
    return join(this.folder, 'data');
  }

  get options() {
    return `-p ${this.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${this.folder} -c fsync=off`;
  }

  /** As docs/deployment.md has it. */
  dump(file) {
    this.run('pg_dump', '--format=custom', `--dbname=${this.url}`, `--file=${file}`);
  }

  restore(file) {
    this.run('pg_restore', '--exit-on-error', '--no-owner', `--dbname=${this.url}`, file);
  }

  run(tool, ...words) {
    const done = spawnSync(join(this.bin, tool), words, {
      ...this.owner,
      cwd: this.folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (done.status !== 0) throw new Error(`${tool}: ${done.stderr.toString()}`);
  }

  /** At once, as a machine that is lost. */
  stop() {
    this.run('pg_ctl', '-D', this.data, '-s', '-m', 'immediate', 'stop');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** PostgreSQL refuses to run as root. */
function postgresUser() {
  if (userInfo().uid !== 0) return undefined;
  const id = (what) => Number(spawnSync('id', [what, 'postgres']).stdout.toString());
  return { uid: id('-u'), gid: id('-g') };
}
