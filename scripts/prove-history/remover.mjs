// One worker's retention in a process of its own: node remover.mjs <database> <steps>; 0: until none is left, then how
// long a step takes that finds nothing (the median). Answers on its channel.
import { once } from 'node:events';
import { DataSource } from 'typeorm';

const dist = (path) => import(new URL(`../../dist/${path}`, import.meta.url));
const [url, most] = [process.argv[2], Number(process.argv[3])];
const { JobShardStore } = await dist('batch/shards/job-shard-store.js');
const { Retention } = await dist('batch/upkeep/retention.js');
const { RetentionStore } = await dist('jobs/retention-store.js');
const { Clock } = await dist('common/clock.js');
const { loadConfig } = await dist('config/load-config.js');
const { Database } = await dist('database/database.service.js');
const { dataSourceOptions } = await dist('database/data-source-options.js');

const config = loadConfig({
  SHARED_KEY: 'x'.repeat(32),
  DATABASE_URL: url,
  RETENTION_DAYS: process.env.RETENTION_DAYS,
});
const dataSource = await new DataSource(dataSourceOptions(config, url)).initialize();
const database = new Database(dataSource);
const retention = new Retention(config, new Clock(), database, new RetentionStore(), new JobShardStore(database));
await dataSource.query('select 1');
process.send('ready');
await once(process, 'message');

const start = performance.now();
let steps = 0;
while ((most === 0 || steps < most) && (await retention.step())) steps += 1;
const removedMs = performance.now() - start;
const idle = [];
for (let round = 0; most === 0 && round < 51; round++) {
  const begun = performance.now();
  await retention.step();
  idle.push(performance.now() - begun);
}
process.send({ steps, removedMs, idleMs: idle.sort((a, b) => a - b)[25] });
await dataSource.destroy();
process.disconnect();
