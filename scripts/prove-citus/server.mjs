// A PostgreSQL server of this machine that a proof may kill and start again: found by the folder of its data.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pause } from '../prove/stage.mjs';
import { withClient } from './cluster.mjs';

export class Server {
  /** @param data - its data directory; by default the server itself is asked */
  static async at(url, data) {
    const { rows } = await withClient(url, (client) => client.query('show data_directory'));
    return new Server(url, data ?? rows[0].data_directory);
  }

  constructor(url, data) {
    this.url = url;
    this.data = data;
    if (!existsSync(this.pidFile)) {
      throw new Error(`no server of this machine runs in ${data}: a server that is to be killed must run here`);
    }
    // `pg_ctl` stands beside `postgres`.
    this.bin = dirname(readlinkSync(`/proc/${this.pid}/exe`));
    const { uid, gid } = statSync(data);
    this.owner = process.getuid() === uid ? {} : { uid, gid };
  }

  get pidFile() {
    return join(this.data, 'postmaster.pid');
  }

  get pid() {
    return Number(readFileSync(this.pidFile, 'utf8').split('\n')[0]);
  }

  /** All its processes end at once and write nothing more, as when its machine crashes. */
  async kill() {
    const pid = this.pid;
    process.kill(pid, 'SIGQUIT');
    while (existsSync(`/proc/${pid}`)) await pause(10);
  }

  /** Resolves when it answers. */
  async start() {
    const words = ['-D', this.data, '-w', '-s', '-l', join(this.data, 'prove-citus.log'), 'start'];
    const { PATH } = process.env;
    const done = spawnSync(join(this.bin, 'pg_ctl'), words, {
      ...this.owner,
      env: { PATH, HOME: this.data },
      cwd: this.data,
      stdio: 'ignore',
    });
    if (done.status !== 0) throw new Error(`the server in ${this.data} does not start again`);
    for (let tries = 0; ; tries++) {
      try {
        return await withClient(this.url, (client) => client.query('select 1'));
      } catch (error) {
        if (tries > 100) throw error;
        await pause(50);
      }
    }
  }
}
