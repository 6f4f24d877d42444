// Batches that never end at OpenAI: the job ends within 24 h all the same, with everything that it had. The settings
// are the real ones (BATCH_DEADLINE 22 h); the clock is moved.
import { batchesInWords, countLots, countsInWords, hasEnded, inWords } from '../prove/job-client.mjs';
import { pause } from '../prove/stage.mjs';
import { countUnnoted, WITH_NOTES } from './ground.mjs';

const LOTS = 100;
const HALF = LOTS / 2;
const VISION = 'gpt-5.6-terra';
const TRANSLATION = 'gpt-5.6-luna';
/** Where the clock is moved to, in hours after the job's acceptance. */
const STOPS = [1, 12, 21.9];
/**
 * The times to which it is moved after BATCH_DEADLINE, while the job has not ended. At 22.5 h batches that do not end
 * are given up, and at 23.92 h all work is.
 */
const LATE_STOPS = [22.01, 22.6, 23.5, 23.93];
const DAY_HOURS = 24;
/** Enough time for some ticks of every cron. */
const TICKS_MS = 1500;
const LOOK_MS = 250;
/** After this many looks without any change nothing more happens before the clock is moved. */
const LOOKS = 10;

const stuck = (model, state = 'in_progress') => ({ action: 'batch_stuck', state, share: 0.5, model });
const NO_QUOTA = { action: 'quota', method: 'POST', path: '/v1/responses' };

/** `byBatch`: stage, end and answers of each batch at OpenAI; `lost`: answers that were paid for and never arrived. */
const SCENARIOS = [
  {
    title: 'e1. The vision batch never ends, half of it done',
    faults: [stuck(VISION)],
    stands: 'vision',
    completed: LOTS,
    byBatch: [['vision', 'cancelled', HALF]],
  },
  {
    title: 'e2. The batch that translates notes never ends, half of it done',
    noted: true,
    faults: [stuck(TRANSLATION)],
    stands: 'translation',
    completed: LOTS,
    byBatch: [
      ['vision', 'completed', LOTS],
      ['translation', 'cancelled', HALF],
    ],
  },
  {
    title: 'e3. The vision batch never ends and, told to cancel, does not end either',
    faults: [stuck(VISION), stuck(VISION, 'cancelling')],
    stands: 'vision',
    completed: LOTS,
    lost: HALF,
    byBatch: [['vision', 'cancelling', HALF]],
  },
  {
    title: 'e4. The vision batch never ends, and OpenAI does not know it any more (404)',
    faults: [stuck(VISION)],
    later: [{ action: 'status', status: 404, path: '/v1/batches/*' }],
    stands: 'vision',
    completed: LOTS,
    lost: HALF,
    byBatch: [['vision', 'in_progress', HALF]],
  },
  {
    title: 'e5. The batch that translates notes never ends, and for direct calls there is no quota',
    noted: true,
    faults: [stuck(TRANSLATION), NO_QUOTA],
    stands: 'translation',
    completed: LOTS,
    unnoted: HALF,
    byBatch: [
      ['vision', 'completed', LOTS],
      ['translation', 'cancelled', HALF],
    ],
  },
  {
    title: 'e6. The vision batch never ends, and for direct calls there is no quota',
    faults: [stuck(VISION), NO_QUOTA],
    stands: 'vision',
    completed: HALF,
    overdue: HALF,
    byBatch: [['vision', 'cancelled', HALF]],
  },
];

/** @param useService - starts a new service, because the clock belongs to the process */
export async function proveStuck(ground, useService) {
  for (const scenario of SCENARIOS) {
    await useService();
    await ground.scenario(scenario.title, (scene) => prove(ground, scenario, scene));
  }
}

async function prove(ground, scenario, scene) {
  const { say, claim } = scene;
  const { client, upstream } = ground;
  const { completed, noted = false, unnoted = 0, overdue = 0, lost = 0, byBatch } = scenario;
  await upstream.faults(...scenario.faults);
  const { id } = await ground.accept(say, noted ? ground.notedLots(LOTS) : ground.lots(LOTS), noted ? WITH_NOTES : {});
  const accepted = ground.hours();
  const byClock = () => ground.hours() - accepted;
  const tell = (status, more = '') => say(`after ${byClock().toFixed(1)} h`, `${inWords(status)}${more}`);
  let status = await client.until(id, 'half of a batch is done, and it stands still', async ({ openai_batches }) =>
    standsStill(scenario.stands, openai_batches, await upstream.batches(id)),
  );
  say('at once', inWords(status));
  await upstream.faults(...(scenario.later ?? []));
  for (const stop of STOPS) {
    await ground.advance(stop - byClock());
    await pause(TICKS_MS);
    status = await client.status(id);
    tell(status);
  }
  claim(
    'before BATCH_DEADLINE (22 h) it only waits',
    !hasEnded(status) && status.openai_batches.every(({ attempt }) => attempt === 0),
  );
  for (const stop of LATE_STOPS) {
    await ground.advance(stop - byClock());
    status = await watch(client, status);
    tell(status, `; ${batchesInWords(status)}`);
    if (hasEnded(status)) break;
  }
  claim('the job ended within 24 h', hasEnded(status) && byClock() < DAY_HOURS);
  const { code, lots } = await client.results(id);
  const counts = countLots(lots);
  say('results', `${code}: ${countsInWords(counts)}`);
  claim(
    `${completed} lots completed, none with English in place of a language, ${overdue} failed with DEADLINE_EXCEEDED`,
    status.status === 'completed' &&
      (counts.completed ?? 0) === completed &&
      counts['texts in English instead'] === undefined &&
      (counts['failed DEADLINE_EXCEEDED'] ?? 0) === overdue &&
      completed + overdue === LOTS,
  );
  if (noted) claim(`${unnoted} lots have their notes in English alone`, countUnnoted(lots) === unnoted);
  await upstream.clearFaults();
  const { batches } = await ground.bill(scene, id, lost);
  const ends = batches.map(({ metadata, status: end, request_counts }) => [
    metadata.stage,
    end,
    request_counts.completed,
  ]);
  claim(
    lost > 0
      ? 'the batch that stays open at OpenAI was given up'
      : 'the batch was cancelled at OpenAI, and what it had done was kept',
    JSON.stringify(ends) === JSON.stringify(byBatch),
  );
}

/**
 * The status at the end of the job, or once it has not changed for a while: the clock must not jump over work under
 * way.
 */
async function watch(client, status) {
  let last = status;
  for (let unchanged = 0; unchanged < LOOKS && !hasEnded(last);) {
    await pause(LOOK_MS);
    const now = await client.status(status.job_id);
    unchanged = JSON.stringify(now) === JSON.stringify(last) ? unchanged + 1 : 0;
    last = now;
  }
  return last;
}

/** The batch has run all lines that it will ever run, and the client's status shows that it is running. */
function standsStill(stage, shown, atOpenAi) {
  return (
    shown.some((batch) => batch.stage === stage && batch.openai_status === 'in_progress') &&
    atOpenAi.some(({ metadata, request_counts: { completed } }) => metadata.stage === stage && completed === HALF)
  );
}
