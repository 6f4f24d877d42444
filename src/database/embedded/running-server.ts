import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectServer } from './postmaster-file.js';

export const DATABASE = 'generation';

/** The URL of the service's database on a server of ours, for a superuser. It has the password, so it must never be logged. */
export function embeddedUrl(password: string, port: number): string {
  return `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/${DATABASE}`;
}

/**
 * Finds the embedded server that a service is running, for a command beside it: such a command must not own the server, or it
 * would stop it at its own end.
 * @returns its database's URL; null when no server runs in this folder
 */
export async function runningDatabase(dataDir: string): Promise<string | null> {
  const entries = await readdir(dataDir).catch(() => []);
  for (const cluster of entries.filter((entry) => /^pg\d+$/.test(entry))) {
    const server = inspectServer(join(dataDir, cluster, 'data'));
    if (server.kind !== 'alive' || server.port === undefined) continue;
    const password = await readFile(join(dataDir, cluster, 'password'), 'utf8');
    return embeddedUrl(password.trim(), server.port);
  }
  return null;
}
