/**
 * Writes schema.sql: every table as all migrations leave it, read from a real database's catalogue.
 * `--check` writes nothing and fails when the committed file differs. Needs a build (`npm run build`).
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';

const root = join(import.meta.dirname, '..');
const file = join(root, 'schema.sql');
const { startEmbeddedPostgres } = await import('../dist/database/embedded/embedded-postgres.js');
const { dataSourceOptions } = await import('../dist/database/data-source-options.js');
const { migrateUp } = await import('../dist/database/migrate.js');
const { describeSchema } = await import('../dist/database/schema-dump.js');

const HEADER = `-- Written by "npm run schema" from the catalogue of a migrated database; never edited by hand.\n\n`;

Logger.overrideLogger(['warn', 'error']);
const quiet = { log: () => undefined, warn: console.warn, error: console.error };
const dataDir = await mkdtemp(join(tmpdir(), 'generation-schema-'));
try {
  const server = await startEmbeddedPostgres({ dataDir, logger: quiet, settings: { fsync: 'off' } });
  try {
    await compareOrWrite(HEADER + (await migratedSchema(server.url)));
  } finally {
    await server.stop();
  }
} finally {
  await rm(dataDir, { recursive: true, force: true });
}

async function migratedSchema(url) {
  const config = {
    packageRoot: root,
    role: 'migrate',
    database: { url, dataDir, prepared: false, poolSize: 3 },
  };
  await migrateUp(config, url);
  const dataSource = await new DataSource(dataSourceOptions(config, url)).initialize();
  try {
    return await describeSchema({ query: (text, values) => dataSource.query(text, values) });
  } finally {
    await dataSource.destroy();
  }
}

async function compareOrWrite(schema) {
  if (!process.argv.includes('--check')) {
    await writeFile(file, schema);
    return;
  }
  const committed = await readFile(file, 'utf8').catch(() => '');
  if (committed === schema) return;
  console.error('schema.sql differs from what the migrations make: run "npm run schema" and commit it');
  process.exitCode = 1;
}
