import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locatePostgresPackage, prepareNativeFolder } from '../../../src/database/embedded/native-package.js';
import { ServerCommands } from '../../../src/database/embedded/server-commands.js';
import { canReach, chooseServerUser } from '../../../src/database/embedded/server-user.js';

// Real: the platform's package (a copy of it) and the programs in it.

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'generation-native-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** The package as npm leaves it where install scripts are blocked: without its symbolic links. */
async function packageWithoutLinks(): Promise<{ folder: string; version: string; links: string[] }> {
  const original = await locatePostgresPackage();
  const copy = join(folder, 'private', 'package');
  await cp(original.folder, copy, { recursive: true, verbatimSymlinks: true });
  await chmod(join(folder, 'private'), 0o700);
  const list = JSON.parse(await readFile(join(copy, 'native', 'pg-symlinks.json'), 'utf8')) as { target: string }[];
  const links = list.map(({ target }) => join(copy, target));
  for (const link of links) await unlink(link);
  return { folder: copy, version: original.version, links };
}

describe('the programs of the embedded PostgreSQL', () => {
  it('the programs of the embedded PostgreSQL run after their links were left out by a blocked install script', async () => {
    const { links, ...postgres } = await packageWithoutLinks();
    const native = await prepareNativeFolder(postgres, undefined, []);
    expect(native).toBe(join(postgres.folder, 'native'));
    for (const link of links) expect((await stat(link)).isFile()).toBe(true);
  });

  it.runIf(process.getuid?.() === 0)(
    'the programs of the embedded PostgreSQL are copied to where the server’s user can run them, and the copy mends itself',
    async () => {
      const { links: _links, ...postgres } = await packageWithoutLinks();
      await chmod(folder, 0o755);
      const own = join(folder, 'own');
      await mkdir(own);
      const user = chooseServerUser(join(folder, 'none'));
      if (user === undefined) throw new Error('root gets a user');
      expect(canReach(join(postgres.folder, 'native', 'bin', 'postgres'), user)).toBe(false);

      const copy = await prepareNativeFolder(postgres, user, [own]);
      expect(copy.startsWith(own)).toBe(true);
      const [expected] = /^\d+/.exec(postgres.version) ?? [];
      expect(await new ServerCommands(join(copy, 'bin'), user).majorVersion()).toBe(Number(expected));

      await unlink(join(copy, 'bin', 'initdb'));
      await prepareNativeFolder(postgres, user, [own]);
      expect((await stat(join(copy, 'bin', 'initdb'))).mode & 0o777).toBe(0o755);
    },
  );

  it.runIf(process.getuid?.() === 0)(
    'the programs of the embedded PostgreSQL are never run from a folder that somebody else may write to',
    async () => {
      const { links: _links, ...postgres } = await packageWithoutLinks();
      await chmod(folder, 0o755);
      const own = join(folder, 'own');
      const planted = join(own, `generation-service-postgres-${postgres.version}`);
      await mkdir(planted, { recursive: true });
      await chmod(planted, 0o777);
      const user = chooseServerUser(join(folder, 'none'));
      await expect(prepareNativeFolder(postgres, user, [own])).rejects.toThrow(/belongs to another user.*DATABASE_URL/);
      const safe = join(folder, 'safe');
      await mkdir(safe);
      expect((await prepareNativeFolder(postgres, user, [own, safe])).startsWith(safe)).toBe(true);
    },
  );
});
