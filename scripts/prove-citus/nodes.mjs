// Data nodes while services run: one that is away and comes back, and shards that move from one to another.
import { pause, signed } from '../prove/stage.mjs';
import { Fleet } from './kills.mjs';
import { withClient } from './cluster.mjs';
import { Server } from './server.mjs';

const AWAY_SECONDS = 8;
const JOBS = 6;

/** By which address the coordinator knows the node that has a job's rows, and their shard. */
async function placeOf(pool, jobId) {
  const { rows } = await pool.query(
    `select shardid, nodename as host, nodeport as port from citus_shards
      where shardid = get_shard_id_for_distribution_column('batch_lots', $1::uuid)`,
    [jobId],
  );
  return rows[0];
}

/** Whether a job's rows are on the node, which the coordinator knows by its relay's address. */
async function isOn(ground, jobId, node) {
  const { port } = await placeOf(ground.current.pool, jobId);
  return port === ground.relays[ground.cluster.nodes.indexOf(node)].address.port;
}

/** One data node is stopped as by a crash under load, and started again. */
export async function nodeAway(ground, { lots, seed }) {
  const fleet = new Fleet(ground, { lots, prefix: 'n', seed });
  await fleet.start();
  const [node] = ground.cluster.nodes;
  const server = await Server.at(ground.cluster.ofNode(node));
  const here = [];
  const elsewhere = [];
  while (here.length < 2 || elsewhere.length < 2) {
    const id = await fleet.createJob();
    ((await isOn(ground, id, node)) ? here : elsewhere).push(id);
  }
  await fleet.settle();
  for (let count = 0; count < JOBS; count++) await fleet.createJob();
  fleet.answers.clear();
  await server.kill();
  const seen = { here: new Map(), elsewhere: new Map() };
  const end = performance.now() + AWAY_SECONDS * 1000;
  while (performance.now() < end) {
    for (const [where, ids] of Object.entries({ here, elsewhere })) {
      const { origin } = fleet.replicas[0];
      const answer = await signed(origin, `/api/v1/batch-results/${ids[0]}`).catch(() => undefined);
      await answer?.arrayBuffer().catch(() => undefined);
      fleet.note('results', answer, { code: where });
      const name =
        answer === undefined
          ? 'no answer'
          : `${answer.status}${answer.headers.has('retry-after') ? ' with Retry-After' : ''}`;
      seen[where].set(name, (seen[where].get(name) ?? 0) + 1);
    }
    await fleet.askStatus(here[0]);
    await fleet.createJob(1);
    await pause(100);
  }
  await server.start();
  const settled = await fleet.settle();
  fleet.stop();
  const only = (counts, name) => counts.size === 1 && counts.has(name);
  const polite = [...fleet.answers.keys()].every(
    (name) => !/ 5\d\d|no answer|without/.test(name) || / 503 (?!.*without)/.test(`${name} `),
  );
  return {
    ...settled,
    right: settled.right && polite && only(seen.here, '503 with Retry-After') && only(seen.elsewhere, '200'),
    here: inWords(seen.here),
    elsewhere: inWords(seen.elsewhere),
    answers: fleet.answersInWords(),
  };
}

/** Under load all shards of one node are moved to the other, and then a rebalance brings half of all back. */
export async function rebalance(ground, url, { lots, seed }) {
  const fleet = new Fleet(ground, { lots, prefix: 'm', seed });
  await fleet.start();
  let moving = true;
  const load = async () => {
    while (moving) {
      if ((await fleet.unfinished()) < 3) await fleet.createJob();
      for (const id of fleet.ids.slice(-3)) await fleet.askStatus(id);
      await pause(50);
    }
  };
  const loading = load();
  const how = await withClient(url, async (client) => {
    const { rows: levels } = await client.query('show wal_level');
    const mode = levels[0].wal_level === 'logical' ? 'force_logical' : 'block_writes';
    const { rows: shards } = await client.query(
      `select shardid, nodename, nodeport from citus_shards where table_name = 'batch_lots'::regclass order by nodeport, shardid`,
    );
    const [{ nodename, nodeport }] = shards;
    const target = shards.find((shard) => shard.nodeport !== nodeport);
    const leaving = shards.filter((shard) => shard.nodeport === nodeport);
    const begun = performance.now();
    for (const { shardid } of leaving) {
      await client.query('select citus_move_shard_placement($1, $2, $3, $4, $5, $6)', [
        shardid,
        nodename,
        nodeport,
        target.nodename,
        target.nodeport,
        mode,
      ]);
    }
    const movedSeconds = (performance.now() - begun) / 1000;
    await client.query('select citus_rebalance_start(shard_transfer_mode => $1)', [mode]);
    await client.query('select citus_rebalance_wait()');
    const { rows: after } = await client.query(
      `select nodeport, count(*)::int as shards from citus_shards where table_name = 'batch_lots'::regclass group by 1 order by 1`,
    );
    return {
      moved: leaving.length,
      movedSeconds,
      seconds: (performance.now() - begun) / 1000,
      mode,
      after: after.map(({ shards: count }) => count),
    };
  });
  moving = false;
  await loading;
  const settled = await fleet.settle();
  fleet.stop();
  const failed = [...fleet.answers].filter(([name]) => / 5\d\d|no answer/.test(name));
  return {
    ...settled,
    ...how,
    right: settled.right && failed.length === 0 && how.after.length > 1,
    answers: fleet.answersInWords(),
  };
}

function inWords(counts) {
  return [...counts].map(([name, count]) => `${count} × ${name}`).join(', ');
}
