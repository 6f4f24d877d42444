import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { EmbeddedPostgresError, SET_DATABASE_URL } from './embedded-error.js';

/** The account under which the server runs. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** initdb looks its user up by name, so the account must exist; any other number fails. */
const UNPRIVILEGED_ACCOUNTS = ['postgres', '_postgres', 'nobody'];

/**
 * Chooses the account for the server, because PostgreSQL refuses to run as root.
 * @param clusterFolder - an existing cluster keeps its owner, so that both root and the owner can start it
 * @returns undefined when the process's own user can run it
 * @throws EmbeddedPostgresError when root has no account to change to
 */
export function chooseServerUser(clusterFolder: string): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = statSync(clusterFolder, { throwIfNoEntry: false });
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  for (const account of UNPRIVILEGED_ACCOUNTS) {
    const uid = idOf('-u', account);
    const gid = idOf('-g', account);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new EmbeddedPostgresError(
    `PostgreSQL does not run as root, and there is neither an account "postgres" nor "nobody" to run it as. ` +
      `Start the service as an ordinary user. ${SET_DATABASE_URL}`,
  );
}

function idOf(flag: '-u' | '-g', account: string): number | undefined {
  const { status, stdout } = spawnSync('id', [flag, account], { encoding: 'utf8' });
  const id = Number(stdout?.trim());
  return status === 0 && Number.isInteger(id) && id > 0 ? id : undefined;
}

/** True when `user` has access to `path`; false inside a 0700 folder of another user. */
export function canReach(path: string, user: ServerUser): boolean {
  for (let part = path; ; part = dirname(part)) {
    const entry = statSync(part, { throwIfNoEntry: false });
    if (entry === undefined) return false;
    const shift = entry.uid === user.uid ? 6 : entry.gid === user.gid ? 3 : 0;
    const needed = entry.isDirectory() ? 0o5 : 0o4;
    // Folders on the way only need to be entered; the last one and its files must be readable as well.
    const wanted = part === path ? needed : 0o1;
    if (((entry.mode >> shift) & wanted) !== wanted) return false;
    if (part === dirname(part)) return true;
  }
}
