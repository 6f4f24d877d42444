// npm run prove:results [-- --lots 50000]: a job's results come whole over a connection that is cut again and again. The
// script makes one ended job by a few statements, downloads it at once, cut at random places and resumed by `after`, and
// page by page, and asks for chosen lots. Every lot comes exactly once, and the service's memory stays flat.
import { parseArgs } from 'node:util';
import { aJob } from '../test/support/a-job.mjs';
import { stopAtSignal } from './prove/at-signal.mjs';
import { processFigures, ready, setStage, signed } from './prove/stage.mjs';

const { values } = parseArgs({ options: { lots: { type: 'string', default: '50000' } } });
const LOTS = Number(values.lots);
const LANGUAGES = ['en', 'de', 'fr', 'ru'];
/** Every fiftieth lot failed, in turns with these codes; every tenth of the others needs a review. */
const FAILED_EVERY = 50;
const CODES = ['IMAGE_UNREACHABLE', 'REFUSED', 'NO_IMAGES'];
const REVIEW_EVERY = 10;
const PAGE = 1000;
/** MB that the service's peak may grow by once it has sent the job one time. */
const MORE_MB = 60;

const failures = [];
const check = (what, holds) => {
  console.log(`  ${holds ? 'holds' : 'DOES NOT HOLD'}: ${what}`);
  if (!holds) failures.push(what);
};

const stage = await setStage({ seed: 'results' });
const stop = stopAtSignal(() => stage.stop());
try {
  const jobId = await makeJob();
  const service = await stage.startService({ ROLE: 'api' });
  await ready(service);
  const path = (query) => `/api/v1/batch-results/${jobId}/download?${query}`;
  const memory = async (what) => {
    const { peakMb, residentMb } = await processFigures(service.child.pid);
    console.log(`  ${what}: ${residentMb} MB resident, ${peakMb} MB at its peak`);
    return peakMb;
  };

  console.log(`# ${LOTS} lots in ${LANGUAGES.length} languages`);
  await memory('the service before');
  const whole = new Set();
  await timed('NDJSON at once', async () => {
    const { bytes } = await take(await signed(service.origin, path('format=ndjson')), whole, Infinity);
    return `${Math.round(bytes / 1e6)} MB`;
  });
  check('every lot came', whole.size === LOTS);
  const peak = await memory('after it');

  await timed('NDJSON, cut at random places', async () => {
    const seen = new Set();
    let requests = 0;
    let last;
    for (let ended = false; !ended; requests++) {
      const after = last === undefined ? '' : `&after=${encodeURIComponent(last)}`;
      const response = await signed(service.origin, path(`format=ndjson${after}`));
      const taken = await take(response, seen, Math.floor(Math.random() * 4_000_000));
      ({ ended } = taken);
      last = taken.last ?? last;
    }
    check('every lot came exactly once', seen.size === LOTS && seen.doubled === undefined);
    return `${requests} requests`;
  });
  for (const format of ['ndjson', 'csv']) {
    await timed(`pages of ${PAGE} as ${format}`, async () => {
      const seen = new Set();
      let pages = 0;
      for (let after = ''; after !== undefined; pages++) {
        const response = await signed(service.origin, path(`format=${format}&limit=${PAGE}${after}`));
        const next = response.headers.get('x-next-cursor');
        if (format === 'ndjson') await take(response, seen, Infinity);
        else for (const id of new Set((await response.text()).match(/lot-\d+(?=,)/g))) add(seen, id);
        after = next === null ? undefined : `&after=${next}`;
      }
      check('every lot came exactly once', seen.size === LOTS && seen.doubled === undefined);
      return `${pages} pages`;
    });
  }
  for (const query of [
    'status=failed',
    'code=REFUSED',
    'needs_review=true',
    'needs_review=false',
    'status=cancelled',
  ]) {
    await timed(query, async () => {
      const seen = new Set();
      await take(await signed(service.origin, path(`format=ndjson&${query}`)), seen, Infinity);
      return `${seen.size} lots`;
    });
  }
  check(`its peak grew by less than ${MORE_MB} MB`, (await memory('the service at the end')) < peak + MORE_MB);
} finally {
  await stop();
}
console.log(failures.length === 0 ? '\nPROVEN' : `\nNOT PROVEN: ${failures.join('; ')}`);
process.exit(failures.length === 0 ? 0 : 1);

async function timed(what, work) {
  const begun = performance.now();
  const found = await work();
  console.log(`  ${what}: ${((performance.now() - begun) / 1000).toFixed(2)} s, ${found}`);
}

function add(seen, lotId) {
  if (seen.has(lotId)) seen.doubled = lotId;
  seen.add(lotId);
}

/**
 * Reads lines until `most` bytes have come, and then hangs up.
 * @returns the lot of the last whole line, and whether the answer came to its end
 */
async function take(response, seen, most) {
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  const decoder = new TextDecoder();
  let rest = '';
  let bytes = 0;
  let last;
  for await (const chunk of response.body) {
    const part = chunk.subarray(0, most - bytes);
    bytes += part.length;
    const lines = (rest + decoder.decode(part, { stream: true })).split('\n');
    rest = lines.pop();
    for (const line of lines) add(seen, (last = JSON.parse(line).lot_id));
    if (bytes >= most) return { last, bytes, ended: false };
  }
  return { last, bytes, ended: true };
}

async function makeJob() {
  const failed = Math.floor(LOTS / FAILED_EVERY);
  const id = await aJob(stage.pool, {
    keyId: 'default',
    status: 'completed',
    stage: 'done',
    languages: LANGUAGES,
    totalLots: LOTS,
    processedLots: LOTS - failed,
    failedLots: failed,
    showsReview: true,
    completedAt: new Date(),
  });
  await stage.pool.query(
    `insert into batch_lots (job_id, position, lot_id, status, error, processed_images, rendered_bytes, finished_at)
     select $1::uuid, n, 'lot-' || n, case when f then 'failed' else 'completed' end,
       case when f then jsonb_build_object('code', ($3::text[])[1 + n / $4 % ${CODES.length}], 'message', 'It failed.') end, 12, 3000, now()
     from generate_series(0, $2 - 1) n, lateral (select n % $4 = $4 - 1 as f) x`,
    [id, LOTS, CODES, FAILED_EVERY],
  );
  await stage.pool.query(
    `insert into batch_results (job_id, position, language, html, strings, needs_review, raw, created_at)
     select $1::uuid, n, language, repeat('<li>Left front door: dent, moderate (photos 1, 4)</li>', 12), '[]',
       case when language = 'en' then json_build_object('value', n % $4 = 0, 'reasons', '[]'::json) end,
       case when language = 'en' then json_build_object('rows', repeat('row ', 300)) end, now()
     from generate_series(0, $2 - 1) n, unnest($3::text[]) language where n % $5 <> $5 - 1`,
    [id, LOTS, LANGUAGES, REVIEW_EVERY, FAILED_EVERY],
  );
  await stage.pool.query('vacuum analyze');
  return id;
}
