// Database, sandbox and photo hosts for the proofs of how a job ends, with one service at a time; and what every
// scenario prints and checks in the same way.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { inWords, JobClient } from '../prove/job-client.mjs';
import { setAhead, setChildAhead } from '../prove/moved-clock.mjs';
import { ready, setStage } from '../prove/stage.mjs';
import { billOf, Upstream } from '../prove/upstream.mjs';

const MOVED_CLOCK = new URL('../prove/moved-clock.mjs', import.meta.url).href;
/** Not the loopback address of the other photo host, because the service remembers for each host whether it is down. */
const HANGING_ADDRESS = '127.0.0.2';
const HOUR_MS = 3_600_000;
/** A request whose lots go through both models: the second translates their notes. */
export const WITH_NOTES = { languages: ['en', 'de'], include: ['notes'] };
const NOTE_LABEL = 'Anmerkung: ';
/** Sums of binary fractions, rounded to eight places a row. */
const CENT_FRACTION = 1e-6;

export async function startGround() {
  const stage = await setStage({ seed: 'ends' });
  const hanging = await startHangingHost();
  return new Ground(stage, hanging);
}

class Ground {
  failures = 0;
  jobs = 0;
  service;
  client;

  constructor(stage, hanging) {
    this.stage = stage;
    this.hanging = hanging;
    this.upstream = new Upstream(stage.openai);
  }

  /** Ends the service that runs and starts another with these settings. */
  async use(settings = {}) {
    await this.endService();
    setAhead(0);
    this.service = await this.stage.startService({
      OUTBOUND_ALLOW: '127.0.0.0/8',
      BATCH_POLL_INTERVAL: '0.2',
      MAX_ACTIVE_JOBS: '1000',
      NODE_OPTIONS: `--import ${MOVED_CLOCK}`,
      ...settings,
    });
    await ready(this.service);
    this.client = new JobClient(this.service.origin);
    this.ahead = 0;
    this.startedAt = performance.now();
  }

  async endService() {
    const child = this.service?.child;
    if (child === undefined || child.exitCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
  }

  /**
   * Moves the time ahead by hours, in the service and in OpenAI's stand-in. PostgreSQL's clock cannot be moved, so the
   * times in its rows are moved back instead.
   */
  async advance(hours) {
    this.ahead += hours * HOUR_MS;
    await setChildAhead(this.service.child, this.ahead);
    setAhead(this.ahead);
    await this.upstream.advance(hours * 3600);
    const by = [`${hours} hours`];
    await this.stage.pool.query(
      'update openai_batches set next_check_at = next_check_at - $1::interval where lock_token is null',
      by,
    );
    await this.stage.pool.query('update openai_models set paused_until = paused_until - $1::interval', by);
  }

  /** Hours by the moved clock since `use`. */
  hours() {
    return (this.ahead + performance.now() - this.startedAt) / HOUR_MS;
  }

  /** Lots whose photos are there, unless `photosOf` returns others. */
  lots(count, photosOf = (lot) => [this.photo(lot, 0), this.photo(lot, 1)]) {
    const job = `e${++this.jobs}`;
    return Array.from({ length: count }, (_, index) => {
      const name = `${job}-${index}`;
      return { lot_id: name, additional_info: `Lot ${index} of ${job}`, images: photosOf(name, index) };
    });
  }

  /** Lots with damages of which there is something to note, so that each has a line in a translation batch. */
  notedLots(count) {
    return this.lots(count).map((lot) => ({ ...lot, additional_info: 'sandbox-scene:two_dents' }));
  }

  photo(lot, number) {
    return { url: `${this.stage.photos.origin}/photo/${lot}/${number}.jpg` };
  }

  hangingPhoto(lot, number) {
    return { url: `${this.hanging.origin}/photo/${lot}/${number}.jpg` };
  }

  /**
   * Runs one scenario under a title and prints what it says. If it throws, this is printed as a claim that does not
   * hold.
   */
  async scenario(title, work) {
    console.log(`\n## ${title}`);
    const startedAt = performance.now();
    const say = (name, text) => console.log(`  ${name.padEnd(15)} ${text}`);
    const claim = (text, holds) => {
      console.log(`  ${holds ? 'holds' : 'DOES NOT HOLD'}: ${text}`);
      if (!holds) this.failures += 1;
    };
    try {
      await work({ say, claim, callsBefore: await this.upstream.directCalls() });
    } catch (error) {
      claim(error instanceof Error ? error.stack : String(error), false);
    } finally {
      await this.upstream.clearFaults();
    }
    console.log(`  (${((performance.now() - startedAt) / 1000).toFixed(1)} s of real time)`);
  }

  /** Makes a job and prints that. @returns its id and the whole answer */
  async accept(say, lots, more) {
    const { code, body } = await this.client.create(lots, more);
    say('created', `${code} ${body.status}, ${body.total_lots} lots, estimated ${usd(body.estimated_cost_usd)}`);
    if (code !== 201) throw new Error(`not accepted: ${code} ${JSON.stringify(body)}`);
    return { id: body.job_id, accepted: body };
  }

  /**
   * Prints what a job cost by the service and by OpenAI's own count, and checks that both agree.
   * @param lost - answers that OpenAI bills and that never arrived
   */
  async bill({ say, claim, callsBefore }, id, lost = 0) {
    const status = await this.client.settled(id);
    const batches = await this.upstream.batches(id);
    const direct = (await this.upstream.directCalls()) - callsBefore;
    const bill = billOf(batches);
    const { cost_usd, by_stage } = status.usage;
    const sum = (member) => by_stage.reduce((total, row) => total + row[member], 0);
    say(
      'costs',
      `${usd(cost_usd)} by the status (${sum('calls')} answers, ${sum('input_tokens')} tokens in, ${sum('output_tokens')} out)`,
    );
    const ends = batches.map(
      ({ metadata, status: end, request_counts: { completed, total } }) =>
        `${metadata.stage} ${end} ${completed}/${total}`,
    );
    say(
      'OpenAI counted',
      `${batches.length} batches${ends.length > 0 ? ` (${ends.join(', ')})` : ''}: ${bill.lines} answers, ` +
        `${bill.input} tokens in, ${bill.output} out = ${usd(bill.usd)}; ${direct} direct calls`,
    );
    const but = lost === 0 ? '' : `, but for the ${lost} of the batch that was given up`;
    claim(`the status counts every answer that OpenAI gave${but}`, sum('calls') === bill.lines - lost + direct);
    if (direct === 0) {
      claim(
        'it names the tokens that OpenAI counted, and their price',
        sum('input_tokens') === bill.input &&
          sum('output_tokens') === bill.output &&
          Math.abs(cost_usd - bill.usd) < CENT_FRACTION,
      );
    } else {
      claim('direct answers cost besides', cost_usd > (lost === 0 ? bill.usd : 0));
    }
    return { status, batches, direct, bill };
  }

  sayStatus(say, name, status) {
    say(name, inWords(status));
  }

  async stop() {
    await this.endService();
    this.hanging.close();
    await this.stage.stop();
  }
}

/** How many of these completed lots have their notes in English alone. */
export function countUnnoted(lots) {
  return lots.filter(
    ({ status, descriptions }) =>
      status === 'completed' &&
      descriptions.some(({ language, damages }) => language === 'de' && !damages.includes(NOTE_LABEL)),
  ).length;
}

function usd(amount) {
  return amount === null || amount === undefined ? 'unknown' : `$${amount.toFixed(4)}`;
}

/** Takes every connection and request, and never answers. */
async function startHangingHost() {
  const host = { asked: 0 };
  const server = createServer(() => (host.asked += 1));
  server.listen(0, HANGING_ADDRESS, 4096);
  await once(server, 'listening');
  return Object.assign(host, {
    origin: `http://${HANGING_ADDRESS}:${server.address().port}`,
    close: () => (server.closeAllConnections(), server.close()),
  });
}
