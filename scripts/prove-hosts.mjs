// npm run prove:hosts [-- --lots N]: a batch whose photos are on six hosts, of which only one works well. It shows how
// every lot ends, and what each host was asked.
import { parseArgs } from 'node:util';
import { stopAtSignal } from './prove/at-signal.mjs';
import { countLots, countsInWords, hasEnded, inWords } from './prove/job-client.mjs';
import { pause } from './prove/stage.mjs';
import { startGround } from './prove-ends/ground.mjs';
import { startHosts } from './prove-hosts/hosts.mjs';

const { values } = parseArgs({ options: { lots: { type: 'string', default: '600' } } });
const LOTS = Number(values.lots);
const PHOTOS = 4;
/** Real time that the hosts which answer may take altogether. */
const PATIENCE_MS = 15 * 60_000;
const STEP_HOURS = 1 / 12;
/** Waiting for a silent host ends after 20 minutes. */
const MOST_HOURS = 0.75;

const ground = await startGround();
const hosts = await startHosts();
const stop = stopAtSignal(async () => {
  await ground.stop();
  for (const host of hosts) host.close();
});
try {
  await ground.use();
  await ground.scenario(`${LOTS} lots of ${PHOTOS} photos over ${hosts.length} photo hosts`, prove);
} finally {
  await stop();
}
console.log(ground.failures === 0 ? '\nPROVEN' : `\nNOT PROVEN: ${ground.failures} claims do not hold`);
process.exit(ground.failures === 0 ? 0 : 1);

async function prove({ say, claim }) {
  const hostOf = (index) => hosts[index % hosts.length];
  const lots = ground.lots(LOTS, (lot, index) =>
    Array.from({ length: PHOTOS }, (_, number) => hostOf(index).photo(lot, number)),
  );
  const indexOf = new Map(lots.map(({ lot_id: id }, index) => [id, index]));
  const { id } = await ground.accept(say, lots, { languages: ['en'] });
  const began = performance.now();
  const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
  const good = hosts.filter(({ ends }) => ends === 'completed').length;
  const share = LOTS / hosts.length;

  let status = await until(id, ({ progress }) => progress.processed_lots >= Math.floor(share));
  say('well', `lots of the host that is well are done after ${seconds()}: ${inWords(status)}`);
  claim('they do not wait for the other hosts', status.status === 'processing');
  status = await until(id, ({ progress }) => progress.processed_lots >= Math.floor(share * good));
  say('answering', `lots of all hosts that answer are done after ${seconds()}: ${inWords(status)}`);
  while (!hasEnded(status) && ground.hours() < MOST_HOURS) {
    await ground.advance(STEP_HOURS);
    for (let looks = 0; looks < 100 && !hasEnded(status); looks++) {
      await pause(300);
      status = await ground.client.status(id);
    }
    say(`${Math.round(ground.hours() * 60)} min by clock`, inWords(status));
  }
  claim(`the job has ended within ${MOST_HOURS * 60} min by the clock`, hasEnded(status));

  const { lots: results } = await ground.client.results(id);
  say('results', countsInWords(countLots(results)));
  for (const host of hosts) {
    const own = results.filter(({ lot_id: lot }) => hostOf(indexOf.get(lot)) === host);
    const photos = own.length * PHOTOS;
    const right = own.filter((lot) =>
      host.ends === 'completed'
        ? lot.status === 'completed' && lot.processed_images === PHOTOS && lot.missing_images.length === 0
        : lot.error?.code === 'IMAGE_UNREACHABLE' && lot.photo_problems.length === PHOTOS,
    );
    console.log(
      `  ${host.name.padEnd(32)} ${String(own.length).padStart(5)} lots ${host.ends}, ${host.requests} requests for ${photos} photos = ` +
        `${(host.requests / photos).toFixed(2)} a photo (${host.given} given, ${host.refused} refused)`,
    );
    claim(`every lot of the host "${host.name}" ended right`, own.length > 0 && right.length === own.length);
  }
  await ground.bill({ say, claim, callsBefore: 0 }, id);
}

/** @throws Error when it does not happen in time, because a proof must not hang */
async function until(id, seen) {
  for (const end = performance.now() + PATIENCE_MS; ; await pause(100)) {
    const status = await ground.client.status(id);
    if (seen(status)) return status;
    if (hasEnded(status) || performance.now() > end) throw new Error(`waited in vain: ${inWords(status)}`);
  }
}
