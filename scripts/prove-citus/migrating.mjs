// ROLE=migrate with CITUS: what it refuses and in which words, rows that are there already, a process that dies in the
// middle, the way back, and later migrations.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withClient } from './cluster.mjs';
import { plainDatabase } from './compared.mjs';
import { atPoint } from './relay.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const dist = (path) => import(new URL(`../../dist/${path}`, import.meta.url));
const JOBS = 200;
const LOTS = 100;
const ON = { CITUS: 'true', CITUS_SHARD_COUNT: '8' };
const TABLES = ['batch_lots', 'batch_lot_inputs', 'batch_results'];

/** @returns for each refusal its words, or undefined where it did not come */
export async function refusals(ground) {
  const cases = [
    ['no extension', await plainDatabase(ground, 'bare'), /create extension citus/],
    ['no data nodes', await withoutNodes(ground), /citus_add_node/],
    ['a data node', ground.cluster.ofNode(ground.cluster.nodes[0], await ground.database('node')), /names a data node/],
    ['partitions', await partitioned(ground), /partitions disable/],
    [
      'a read replica',
      await ground.database('read'),
      /Leave DATABASE_READ_URL empty/,
      { DATABASE_READ_URL: ground.cluster.url },
    ],
  ];
  const seen = [];
  for (const [what, url, words, more = {}] of cases) {
    const { code, said } = await ground.migrate(url, { ...ON, ...more });
    seen.push({ what, refused: code === 1 && words.test(said), said: said.trim().split('\n').at(-1) });
  }
  return seen;
}

async function withoutNodes(ground) {
  const url = await plainDatabase(ground, 'alone');
  await withClient(url, (client) => client.query('create extension citus'));
  return url;
}

async function partitioned(ground) {
  const url = await ground.database('parts');
  await ground.migrate(url);
  await withClient(url, (client) =>
    client.query(
      `alter table batch_lots rename to old_lots;
       create table batch_lots (like old_lots including defaults, primary key (job_id, position)) partition by range (job_id);
       create table batch_lots_rest partition of batch_lots default`,
    ),
  );
  return url;
}

/** An installation with data: killed in the middle, distributed, repeated, brought back, and distributed again. */
export async function withData(ground) {
  const url = await ground.database('data', { relayed: true });
  await ground.migrate(url);
  await fill(url);
  const before = await looked(url);
  const wrong = [];
  const same = async (what, where) => {
    const now = await looked(url);
    if (now.rows !== before.rows) wrong.push(`${what}: rows ${now.rows} in place of ${before.rows}`);
    if (now.schema !== before.schema) wrong.push(`${what}: the schema is another`);
    if (now.where !== where) wrong.push(`${what}: ${now.where} in place of ${where}`);
    return now;
  };
  const dying = ground.migrate(url, ON);
  const came = await atPoint(ground.relays, { pattern: /COPY public\.batch_results_/, heard: true }, 60_000);
  if (!came) wrong.push('the third table was never copied');
  dying.child.kill('SIGKILL');
  await dying;
  for (const relay of ground.relays) relay.cut();
  await same('after a kill -9 in the middle', 'local');
  const begun = performance.now();
  const first = await ground.migrate(url, ON);
  const seconds = (performance.now() - begun) / 1000;
  if (first.code !== 0) wrong.push(first.said);
  const moved = await same('distributed', 'distributed');
  if (moved.localBytes > 100_000) wrong.push(`${moved.localBytes} bytes stay in the coordinator's own tables`);
  for (const settings of [ON, {}, { CITUS: 'false' }]) {
    const { code, said } = await ground.migrate(url, settings);
    if (code !== 0) wrong.push(said);
    await same(`again with ${JSON.stringify(settings)}`, 'distributed');
  }
  for (const times of ['once', 'twice']) {
    const { code, said } = await ground.migrate(url, { CITUS: 'undo' });
    if (code !== 0) wrong.push(said);
    await same(`brought back ${times}`, 'local');
  }
  await ground.migrate(url, ON);
  await same('distributed once more', 'distributed');
  return { wrong, lots: JOBS * LOTS, seconds };
}

/** The migrations that there are on empty distributed tables, down and up; and a later one of each kind on full ones. */
export async function laterMigrations(ground) {
  const wrong = [];
  const { migrateUp, migrateDown } = await dist('database/migrate.js');
  const url = await ground.database('later');
  await ground.migrate(url);
  await fill(url);
  await ground.migrate(url, ON);
  const root = await mkdtemp(join(tmpdir(), 'generation-citus-'));
  await cp(join(ROOT, 'migrations'), join(root, 'migrations'), { recursive: true });
  await cp(join(ROOT, 'package.json'), join(root, 'package.json'));
  await cp(
    fileURLToPath(new URL('later-migration.mjs', import.meta.url)),
    join(root, 'migrations', '9000000000000-later.js'),
  );
  const config = { packageRoot: root, role: 'migrate', database: { url, dataDir: '', prepared: false, poolSize: 3 } };
  try {
    const before = await looked(url);
    await migrateUp(config, url);
    const seen = await withClient(url, async (client) => {
      const { rows: lots } = await client.query(
        'select count(*)::int as lots, count(note)::int as noted, count(*) filter (where later = 8)::int as eight from batch_lots',
      );
      const { rows: jobs } = await client.query('select sum(later_lots)::int as counted from batch_jobs');
      return { ...lots[0], ...jobs[0] };
    });
    const expected = { lots: JOBS * LOTS, noted: JOBS * LOTS, eight: JOBS, counted: JOBS * LOTS };
    if (JSON.stringify(seen) !== JSON.stringify(expected)) wrong.push(`the rows are ${JSON.stringify(seen)}`);
    await migrateDown(config, url, 1);
    const after = await looked(url);
    if (after.schema !== before.schema) wrong.push('the later migration leaves something behind');
    // Each of the others but the one that makes the tables, on tables that are distributed.
    const all = await migrationsOf(url);
    await migrateDown(config, url, all - 1);
    await migrateUp({ ...config, packageRoot: ROOT }, url);
    const again = await looked(url);
    if (again.schema !== before.schema || again.where !== 'distributed') wrong.push('down and up make another schema');
    await migrateDown(config, url, Infinity);
    return { wrong, undone: all - 1 };
  } catch (error) {
    wrong.push(error.message);
    return { wrong, undone: 0 };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function migrationsOf(url) {
  return withClient(url, async (client) => {
    const { rows } = await client.query('select count(*)::int as n from migrations');
    return rows[0].n;
  });
}

async function fill(url) {
  await withClient(url, async (client) => {
    await client.query(
      `insert into batch_jobs (id, key_id, secret_fingerprint, mode, status, stage, languages, total_lots, processed_lots,
         created_at, updated_at, completed_at)
       select gen_random_uuid(), 'default', 'f', 'batch', 'completed', 'done', '{en}', ${LOTS}, ${LOTS}, now(), now(), now()
         from generate_series(1, ${JOBS})`,
    );
    const each = `from batch_jobs, generate_series(0, ${LOTS - 1}) n`;
    await client.query(
      `insert into batch_lots (job_id, position, lot_id, status, finished_at) select id, n, 'lot ' || n, 'completed', now() ${each}`,
    );
    await client.query(
      `insert into batch_lot_inputs (job_id, position, images) select id, n, '["https://cdn.example/1.jpg"]' ${each}`,
    );
    await client.query(
      `insert into batch_results (job_id, position, language, html, strings, created_at)
       select id, n, 'en', repeat('damage ', 50), '{}', now() ${each}`,
    );
  });
}

/** The rows by count and content, the schema as text, and where the tables are. */
async function looked(url) {
  const { describeSchema } = await dist('database/schema-dump.js');
  return withClient(url, async (client) => {
    const query = async (text, values) => (await client.query(text, values)).rows;
    const counts = [];
    for (const table of TABLES) {
      const key = table === 'batch_results' ? 'html' : table === 'batch_lots' ? 'lot_id' : 'images::text';
      const [{ said }] = await query(
        `select count(*) || ':' || coalesce(sum(hashtext(job_id::text || position || ${key})::bigint), 0) as said from ${table}`,
      );
      counts.push(said);
    }
    const distributed = await query(
      `select logicalrelid::text as name from pg_dist_partition where logicalrelid::text = any($1::text[])`,
      [TABLES],
    );
    const [{ bytes }] = await query(
      `select sum(pg_relation_size(oid, 'main'))::float8 as bytes from pg_class where relname = any($1::name[]) and relkind = 'r'`,
      [TABLES],
    );
    return {
      rows: counts.join(' '),
      schema: await describeSchema({ query }),
      where: distributed.length === 0 ? 'local' : distributed.length === TABLES.length ? 'distributed' : 'in part',
      localBytes: bytes,
    };
  });
}
