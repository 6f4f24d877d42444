// What only happens once an hour, or by an operator's hand: lots without a job are removed, partitions and a read replica are refused.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DataSource } from 'typeorm';
import { NODE_FLAGS } from '../start-command.mjs';

const dist = (path) => import(new URL(`../../dist/${path}`, import.meta.url));
const HOUR_MS = 3_600_000;
const ORPHANS = 50;

/** @returns what did not go as it must, in words */
export async function runUpkeep(ground, url) {
  return [...(await orphans(ground, url)), ...(await refusedPartitions(url)), ...(await refusedReplica(url))];
}

async function orphans(ground, url) {
  const { OrphanedLots } = await dist('batch/upkeep/orphaned-lots.js');
  const { OrphanLotStore } = await dist('jobs/orphan-lot-store.js');
  const { Clock } = await dist('common/clock.js');
  const { firstIdAt } = await dist('common/ids.js');
  const { Database } = await dist('database/database.service.js');
  const { dataSourceOptions } = await dist('database/data-source-options.js');
  const { pool } = ground.current;
  const lost = firstIdAt(Date.now() - 2 * HOUR_MS);
  await pool.query(
    `insert into batch_lots (job_id, position, lot_id) select $1, n, n from generate_series(0, ${ORPHANS - 1}) n`,
    [lost],
  );
  const all = async () => (await pool.query('select count(*)::int as n from batch_lots')).rows[0].n;
  const before = await all();
  const config = { role: 'worker', database: { poolSize: 2 } };
  const dataSource = await new DataSource(dataSourceOptions(config, url)).initialize();
  try {
    const sweeper = new OrphanedLots(new Clock(), new OrphanLotStore(new Database(dataSource)));
    const { signal } = new AbortController();
    // The first look finds them, the second removes them.
    await sweeper.sweep(signal);
    await sweeper.sweep(signal);
  } finally {
    await dataSource.destroy();
  }
  const after = await all();
  return after === before - ORPHANS ? [] : [`of ${before} lots ${ORPHANS} have no job, and ${after} are left`];
}

async function refusedPartitions(url) {
  const { code, said } = await ended(url, 'ops.js', ['partitions', 'enable', '--reason', 'proof', '--by', 'prove']);
  return code !== 0 && /distributed|Citus/i.test(said) ? [] : [`"partitions enable" ended with ${code}: ${said}`];
}

/** A service that would read at a replica does not start. */
async function refusedReplica(url) {
  const { code, said } = await ended(url, 'main.js', [], { ROLE: 'api', DATABASE_READ_URL: url });
  return code === 1 && /Leave DATABASE_READ_URL empty/.test(said)
    ? []
    : [`an api with DATABASE_READ_URL ended with ${code}: ${said}`];
}

/** Runs a program of the service until it ends, for a minute at the most. */
async function ended(url, program, words, settings = {}) {
  const command = [...NODE_FLAGS, fileURLToPath(new URL(`../../dist/${program}`, import.meta.url)), ...words];
  const child = spawn(process.execPath, command, {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      DATABASE_URL: url,
      PORT: '0',
      SHARED_KEY: 'x'.repeat(32),
      OPENAI_API_KEY: 'x',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
  const [code] = await once(child, 'close');
  return { code, said };
}
