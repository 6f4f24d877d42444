// One large job on distributed tables and on plain ones, of the same server and the same settings, one after the other.
import { jobBody, pause, signed } from '../prove/stage.mjs';
import { recountTables } from '../prove/recount.mjs';
import { withClient } from './cluster.mjs';

const LANGUAGES = ['en', 'de'];
const PATIENCE_SECONDS = 600;

/**
 * Plain, distributed, distributed, plain: whatever comes second finds a warmer machine.
 * @returns for each of both its two jobs: seconds from the request to the end, and whether it is counted right
 */
export async function compare(ground, lots) {
  const plain = await plainDatabase(ground, 'plain');
  const citus = await ground.database('direct');
  await migrated(ground, plain, {});
  await migrated(ground, citus, { CITUS: 'true', CITUS_SHARD_COUNT: '8' });
  const taken = { plain: [], citus: [] };
  for (const name of ['plain', 'citus', 'citus', 'plain']) {
    await ground.stage(name === 'plain' ? plain : citus, { sandbox: { SANDBOX_BATCH_RUN_SECONDS: '0.05' } });
    taken[name].push(await oneJob(ground, lots, `big${taken[name].length}`));
    await ground.endStage();
  }
  return taken;
}

async function migrated(ground, url, settings) {
  const { code, said } = await ground.migrate(url, settings);
  if (code !== 0) throw new Error(said);
}

async function oneJob(ground, lots, name) {
  const service = await ground.startReady();
  const body = jobBody(ground.current.photos, name, lots, { images: 1, languages: LANGUAGES });
  const begun = performance.now();
  const answer = await signed(service.origin, '/api/v1/generate-descriptions', {
    method: 'POST',
    body,
    headers: { 'Content-Type': 'application/json' },
  });
  const { job_id: id } = await answer.json();
  const accepted = (performance.now() - begun) / 1000;
  for (;;) {
    const status = await signed(service.origin, `/api/v1/batch-status/${id}`).then((said) => said.json());
    const seconds = (performance.now() - begun) / 1000;
    if (status.status === 'completed' || seconds > PATIENCE_SECONDS) {
      const { right } = await recountTables(ground.current.pool, id);
      const read = performance.now();
      const download = await signed(service.origin, `/api/v1/batch-results/${id}/download?format=ndjson`);
      const bytes = (await download.arrayBuffer()).byteLength;
      service.child.kill('SIGKILL');
      return {
        accepted,
        seconds,
        download: (performance.now() - read) / 1000,
        megabytes: bytes / 1e6,
        right: right && status.status === 'completed',
      };
    }
    await pause(250);
  }
}

/** A database of the coordinator without the extension. */
export async function plainDatabase(ground, suffix) {
  const name = `${ground.name}_${suffix}`;
  ground.databases.push(name);
  await withClient(ground.cluster.url, async (client) => {
    await client.query('set citus.enable_create_database_propagation = off');
    await client.query(`create database ${name} template template0`);
  });
  const url = new URL(ground.cluster.url);
  url.pathname = `/${name}`;
  return url.href;
}
