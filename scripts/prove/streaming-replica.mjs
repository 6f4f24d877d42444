// A streaming replica of a running PostgreSQL on this machine, for proofs and tests: its data folder copied as a backup, then
// kept up by the primary's write-ahead log. Linux alone: the server's programs are found by its process.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  appendFile,
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import pg from 'pg';
import { freePort } from '../free-port.mjs';

export class StreamingReplica {
  /**
   * @param primary.url - of a superuser
   * @param primary.data - its data folder
   * @param settings - further settings of the replica
   */
  static async start(primary, settings = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'generation-replica-'));
    const owner = await stat(primary.data);
    // Laid out as the primary's, so that whoever stops that one by its folder can stop this one too.
    const cluster = join(folder, basename(dirname(primary.data)));
    await mkdir(cluster);
    for (const made of [folder, cluster]) await chown(made, owner.uid, owner.gid);
    const data = join(cluster, 'data');
    const bin = await binFolder(primary.data);
    const replica = new StreamingReplica({ folder, data, owner, bin, port: await freePort(), primaryUrl: primary.url });
    try {
      await replica.#copy(primary.data, settings);
      replica.start();
    } catch (error) {
      await replica.remove();
      throw error;
    }
    return replica;
  }

  constructor({ folder, data, owner, bin, port, primaryUrl }) {
    this.folder = folder;
    this.data = data;
    this.owner = { uid: owner.uid, gid: owner.gid };
    this.bin = bin;
    const url = new URL(primaryUrl);
    this.primary = new URL(url);
    url.port = String(port);
    /** The same database as the primary's, for the same user. */
    this.url = url.href;
  }

  start() {
    this.#pgCtl('start', '-w', '-t', '60', '-l', join(this.folder, 'server.log'));
  }

  /** As kill -9 of all its processes does: clients' connections break, and nothing is written. */
  kill() {
    this.#pgCtl('stop', '-m', 'immediate', '-w');
  }

  /** Its processes stand still; connections stay open and nobody answers. */
  async freeze() {
    for (const pid of await this.#processes()) process.kill(pid, 'SIGSTOP');
  }

  async thaw() {
    for (const pid of await this.#processes()) process.kill(pid, 'SIGCONT');
  }

  pauseReplay() {
    return this.query('select pg_wal_replay_pause()');
  }

  resumeReplay() {
    return this.query('select pg_wal_replay_resume()');
  }

  /** Resolves once it has replayed all that was committed at the primary. */
  async caughtUp() {
    const [{ position }] = await queryAt(this.primary.href, 'select pg_current_wal_flush_lsn()::text as position');
    for (;;) {
      const [{ there }] = await this.query('select pg_last_wal_replay_lsn() >= $1::pg_lsn as there', [position]);
      if (there) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  query(text, values) {
    return queryAt(this.url, text, values);
  }

  /** Stops it, however it is, and removes its folder. */
  async remove() {
    if (existsSync(join(this.data, 'postmaster.pid'))) {
      await this.thaw();
      this.#pgCtl('stop', '-m', 'immediate', '-w');
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  async #copy(from, settings) {
    const client = new pg.Client({ connectionString: this.primary.href });
    await client.connect();
    try {
      // Until the replica streams, and while it hangs, the primary must not remove what it has not got.
      await client.query(`alter system set wal_keep_size = '512MB'`);
      await client.query('select pg_reload_conf()');
      await client.query(`select pg_backup_start('replica', true)`);
      run('cp', ['-a', from, this.data]);
      const { rows } = await client.query('select labelfile from pg_backup_stop()');
      await writeFile(join(this.data, 'backup_label'), rows[0].labelfile);
    } finally {
      await client.end();
    }
    await rm(join(this.data, 'postmaster.pid'), { force: true });
    for (const entry of await readdir(join(this.data, 'pg_wal'), { withFileTypes: true })) {
      if (entry.isFile()) await rm(join(this.data, 'pg_wal', entry.name));
    }
    await writeFile(join(this.data, 'standby.signal'), '');
    const { hostname, port, username, password } = this.primary;
    const lines = Object.entries({
      port: new URL(this.url).port,
      primary_conninfo: `host=${hostname} port=${port} user=${username} password=${decodeURIComponent(password)}`,
      hot_standby: 'on',
      ...settings,
    }).map(([name, value]) => `${name} = '${value}'\n`);
    await appendFile(join(this.data, 'postgresql.conf'), lines.join(''));
    for (const file of ['backup_label', 'standby.signal']) {
      await chown(join(this.data, file), this.owner.uid, this.owner.gid);
      await chmod(join(this.data, file), 0o600);
    }
  }

  #pgCtl(...words) {
    run(join(this.bin, 'pg_ctl'), ['-D', this.data, '-s', ...words], { cwd: this.folder, ...this.asOwner });
  }

  get asOwner() {
    return process.getuid() === 0 ? this.owner : {};
  }

  /** The server's process first, then its children. */
  async #processes() {
    const pid = Number.parseInt(await readFile(join(this.data, 'postmaster.pid'), 'utf8'), 10);
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return [pid, ...children.trim().split(/\s+/).filter(Boolean).map(Number)];
  }
}

/** Where the programs of the server are that runs in this folder. */
async function binFolder(data) {
  const pid = Number.parseInt(await readFile(join(data, 'postmaster.pid'), 'utf8'), 10);
  return dirname(await readlink(`/proc/${pid}/exe`));
}

async function queryAt(url, text, values = []) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

function run(program, words, options = {}) {
  const { status, stderr, error } = spawnSync(program, words, {
    ...options,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${error?.message ?? stderr.toString()}`);
}
