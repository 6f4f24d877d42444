import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { distribute } from '../src/database/distribution.js';
import { migrateUp } from '../src/database/migrate.js';
import { CitusCluster } from '../scripts/prove-citus/cluster.mjs';
import { LOT_TABLES } from '../src/jobs/lot.entities.js';
import { testConfig } from './support/database-config.js';
import { reapWithProcess } from './support/reaper.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's URL of the tests' server. */
    readonly serverUrl: string;
    /** The migrated, empty database that every test database is a copy of. */
    readonly templateDatabase: string;
    /** Where the service's sources are as plain JavaScript once a test has asked for them. */
    readonly builtService: string;
  }
}

/** After a crash nothing here is needed any more, and this makes every commit three times faster. */
const FAST_AND_UNSAFE = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

const quiet = { log: () => undefined, warn: console.warn, error: console.error };

/** One real PostgreSQL for the whole run: the one of TEST_DATABASE_URL, otherwise an embedded one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  Logger.overrideLogger(['warn', 'error']);
  const { url, stop } = await startServer();
  const template = `generation_template_${process.pid}`;
  const citus = process.env['TEST_CITUS_URL'] === undefined ? undefined : await CitusCluster.at(url);
  if (citus === undefined) await administer(url, `create database ${template}`);
  else await citus.create(template);
  const templateUrl = new URL(url);
  templateUrl.pathname = `/${template}`;
  await migrateUp(testConfig(), templateUrl.href);
  if (citus !== undefined) {
    const aim = { aim: 'distributed', shardCount: 4, colocateWith: 'none' } as const;
    await distribute(testConfig({ citus: aim }), templateUrl.href, LOT_TABLES);
  }
  project.provide('serverUrl', url);
  project.provide('templateDatabase', template);
  // Inside the package, in which its files look for others.
  const built = join(import.meta.dirname, '..', 'node_modules', '.cache', `service-of-tests-of-${process.pid}`);
  project.provide('builtService', built);
  return async () => {
    if (citus === undefined) await administer(url, `drop database if exists ${template} with (force)`);
    else await citus.drop(template);
    await rm(built, { recursive: true, force: true });
    // Last: nothing may keep this process alive for what would come behind it.
    await stop();
  };
}

async function startServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  const given = process.env['TEST_CITUS_URL'] ?? process.env['TEST_DATABASE_URL'];
  if (given !== undefined && given !== '') return { url: given, stop: async () => undefined };
  const dataDir = await mkdtemp(join(tmpdir(), 'generation-test-'));
  const reap = reapWithProcess(dataDir);
  const server = await startEmbeddedPostgres({ dataDir, logger: quiet, settings: FAST_AND_UNSAFE });
  return {
    url: server.url,
    stop: async () => {
      await server.stop();
      await reap();
    },
  };
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
