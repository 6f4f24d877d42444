// CITUS_URL=postgres://… npm run prove:citus [-- --kills N --lots N --compared N --seed N --only PART]
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { compare } from './prove-citus/compared.mjs';
import { runFlow, runRetention } from './prove-citus/flow.mjs';
import { killCoordinator, killServices } from './prove-citus/kills.mjs';
import { laterMigrations, refusals, withData } from './prove-citus/migrating.mjs';
import { runUpkeep } from './prove-citus/upkeep.mjs';
import { nodeAway, rebalance } from './prove-citus/nodes.mjs';
import { Server } from './prove-citus/server.mjs';
import { Ground } from './prove-citus/ground.mjs';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    lots: { type: 'string', default: '60' },
    compared: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
});
const url = process.env.CITUS_URL ?? '';
if (url === '') {
  console.error(
    'prove:citus did not run: CITUS_URL must name a database on a Citus coordinator to which data nodes were added, as a superuser.',
  );
  process.exit(2);
}

const rows = [];
function row(what, holds, seen) {
  rows.push(holds);
  console.log(`${holds ? 'holds   ' : 'FAILS   '} ${what}: ${seen} (load ${loadavg()[0].toFixed(1)})`);
}
const wanted = (part) => values.only === '' || values.only.split(',').includes(part);

const ground = await Ground.on(url, `prove_citus_${process.pid}`);
let stopping;
const stop = () => (stopping ??= ground.stop());
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop().finally(() => process.exit(1)));
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.once(event, (error) => {
    console.error(error);
    void stop().finally(() => process.exit(1));
  });
}

if (wanted('migrate')) {
  for (const { what, refused, said } of await refusals(ground)) {
    row(`CITUS=true is refused in words: ${what}`, refused, refused ? 'says what to do' : said);
  }
  const { wrong, lots, seconds } = await withData(ground);
  row(
    'rows that are there move and come back; a kill -9 in the middle leaves all as it was',
    wrong.length === 0,
    wrong.join('; ') || `${lots} lots in ${seconds.toFixed(1)} s, the start of the process included`,
  );
  const later = await laterMigrations(ground);
  row(
    'later migrations on distributed tables',
    later.wrong.length === 0,
    later.wrong.join('; ') || `one of each kind, and all ${later.undone} down and up`,
  );
}

const main = await ground.database('main', { relayed: true });
const migrated = await ground.migrate(main, { CITUS: 'true', CITUS_SHARD_COUNT: '8' });
if (migrated.code !== 0) throw new Error(`ROLE=migrate CITUS=true failed: ${migrated.said}`);
// What goes wrong at OpenAI goes wrong here too, so that lots are tried again and shards are cut.
const faults = [
  { action: 'line_missing', probability: 0.02 },
  { action: 'line_double', probability: 0.02 },
  { action: 'line_status', status: 500, code: 'server_error', probability: 0.02 },
  { action: 'batch_expire', share: 0.7, probability: 0.1, count: 3 },
].map((fault) => ({ seed: values.seed, ...fault }));
await ground.stage(main, { seed: values.seed, faults });

if (wanted('flow')) {
  const { wrong, services, kept } = await runFlow(ground);
  for (const line of wrong) console.log(`  ${line}`);
  row(
    'the whole flow over two processes',
    wrong.length === 0,
    `${ground.statements.size} statements, ${wrong.length} went wrong`,
  );
  const [gone, stays] = kept;
  const left = await runRetention(ground, main, gone, stays);
  row(
    'retention',
    left.length === 0,
    left.join('; ') || 'a job past its time is gone with all its rows, another one stays',
  );
  const upkeep = await runUpkeep(ground, main);
  row(
    'lots without a job are removed, partitions and a read replica are refused',
    upkeep.length === 0,
    upkeep.join('; ') || 'as it must be',
  );
  for (const { child } of services) child.kill('SIGKILL');
}

const numbers = { lots: Number(values.lots), seed: Number(values.seed) };
if (wanted('services')) {
  const { right, seconds, figures } = await killServices(ground, { ...numbers, kills: 10 });
  row('10 services killed with kill -9', right, `${JSON.stringify(figures)}; at rest after ${seconds.toFixed(0)} s`);
}
if (wanted('coordinator')) {
  const server = await Server.at(url);
  const end = await killCoordinator(ground, server, { ...numbers, kills: Number(values.kills) });
  for (const [point, count] of end.reached) console.log(`  killed ${count} × ${point}`);
  console.log(`  answers: ${end.answers}`);
  row(
    `the coordinator killed ${values.kills} times`,
    end.right,
    `${JSON.stringify(end.figures)}; ${end.inDoubt} transactions were in doubt; killed for ${end.killing.toFixed(0)} s, at rest ${end.seconds.toFixed(0)} s later`,
  );
}

if (wanted('node')) {
  const { right, here, elsewhere, answers, figures, seconds } = await nodeAway(ground, numbers);
  console.log(`  results of a job there: ${here}; of one elsewhere: ${elsewhere}; all answers: ${answers}`);
  row(
    'a data node away and back',
    right,
    `${JSON.stringify(figures)}; at rest ${seconds.toFixed(0)} s after its return`,
  );
}
if (wanted('rebalance')) {
  const { right, moved, movedSeconds, mode, after, figures, answers, seconds } = await rebalance(ground, main, numbers);
  console.log(`  answers meanwhile: ${answers}; at rest ${seconds.toFixed(0)} s later`);
  row(
    'shards moved under load and rebalanced',
    right,
    `${moved} moved (${mode}) in ${movedSeconds.toFixed(1)} s, then ${after.join(' and ')} shards; ${JSON.stringify(figures)}`,
  );
}

for (const [statement, error] of ground.refused)
  console.log(`  ${error}\n    ${statement.replaceAll(/\s+/g, ' ').slice(0, 1500)}`);
row(
  'no statement is refused',
  ground.refused.size === 0,
  `${ground.statements.size} were sent, ${ground.refused.size} refused`,
);
await ground.endStage();
if (wanted('compared')) {
  const { plain, citus } = await compare(ground, Number(values.compared));
  const mean = (jobs, what) => jobs.reduce((sum, job) => sum + job[what], 0) / jobs.length;
  const words = (jobs) =>
    `${jobs.map(({ seconds }) => seconds.toFixed(1)).join(' and ')} s (accepted after ${mean(jobs, 'accepted').toFixed(1)} s; ` +
    `${mean(jobs, 'megabytes').toFixed(0)} MB downloaded in ${mean(jobs, 'download').toFixed(1)} s)`;
  row(
    `a job of ${values.compared} lots`,
    [...plain, ...citus].every(({ right }) => right),
    `plain ${words(plain)}, distributed ${words(citus)}: ${(mean(citus, 'seconds') / mean(plain, 'seconds')).toFixed(2)} times as long`,
  );
}
await stop();
const proven = rows.every(Boolean);
console.log(
  proven ? 'On Citus everything holds' : `${rows.filter((holds) => !holds).length} of ${rows.length} do not hold`,
);
process.exit(proven ? 0 : 1);
