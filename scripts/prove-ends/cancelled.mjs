// A job that is cancelled, in each of its stages and after its end.
import { batchesInWords, countLots, countsInWords, hasEnded, inWords } from '../prove/job-client.mjs';
import { pause } from '../prove/stage.mjs';
import { WITH_NOTES } from './ground.mjs';

const LOTS = 100;
const VISION = 'gpt-5.6-terra';
const TRANSLATION = 'gpt-5.6-luna';
const CREATE = { method: 'POST', path: '/v1/batches' };
/** Several rounds of every cron and poll. In this time the service would send another batch if it were going to. */
const AFTERWARDS_MS = 2000;

/** Every stage: how a job gets there, how that is seen, and what it must have kept at the end. */
function stages(ground) {
  const { upstream, hanging } = ground;
  /** At OpenAI, and seen by the client. */
  const upstreamIs = (id, state, test) => async (status) =>
    status.openai_batches.some(({ openai_status }) => openai_status === state) &&
    (await upstream.batches(id)).some(test);
  const half = ({ status, request_counts: { completed } }) => status === 'in_progress' && completed >= LOTS / 2;
  const hasStage = (stage) => (status) => status.processing_details.current_stage === stage;
  const downloads = () => upstream.isAt('GET', /^\/v1\/files\/.+\/content$/);
  return [
    {
      name: 'photos are being checked (their host hangs)',
      lots: () => ground.lots(LOTS, (lot) => [ground.hangingPhoto(lot, 0)]),
      faults: [],
      at: () => (status) => hasStage('image_check')(status) && hanging.asked > 0,
      batches: 0,
    },
    {
      name: 'the batch queues (OpenAI refuses: no quota)',
      faults: [{ action: 'quota', ...CREATE }],
      at: () => (status) => status.openai_batches.some(({ reason }) => reason === 'insufficient_quota'),
      batches: 0,
    },
    {
      name: 'the batch is being sent (OpenAI takes 3 s to answer)',
      faults: [
        { action: 'latency', ms: 3000, ...CREATE },
        { action: 'batch_stuck', state: 'in_progress', share: 0 },
      ],
      at: () => () => upstream.isAt('POST', /^\/v1\/batches$/),
      batches: 1,
    },
    {
      name: 'the answer to the sending is lost, the batch is there',
      faults: [
        { action: 'batch_stuck', state: 'in_progress', share: 0 },
        { action: 'batch_hidden', seconds: 2 },
        { action: 'reset', after: true, ...CREATE },
      ],
      at: (id) => async (status) =>
        status.openai_batches.some((batch) => batch.status === 'submitting') &&
        (await upstream.batches(id)).length === 1,
      batches: 1,
    },
    {
      name: 'vision is in progress, half of it done',
      faults: [{ action: 'batch_stuck', state: 'in_progress', share: 0.5, model: VISION }],
      at: (id) => upstreamIs(id, 'in_progress', half),
      batches: 1,
    },
    {
      name: 'vision is done at OpenAI, which is finalizing',
      faults: [{ action: 'batch_stuck', state: 'finalizing', model: VISION }],
      at: (id) => upstreamIs(id, 'finalizing', ({ status }) => status === 'finalizing'),
      batches: 1,
    },
    {
      name: 'the results of vision are being taken in',
      faults: [{ action: 'latency', ms: 3000, method: 'GET', path: '/v1/files/*/content' }],
      at: () => async (status) => status.openai_batches.some((batch) => batch.status === 'taking_in') && downloads(),
      batches: 1,
    },
    {
      name: 'notes are being translated, half of them done',
      lots: () => ground.notedLots(LOTS),
      request: WITH_NOTES,
      faults: [{ action: 'batch_stuck', state: 'in_progress', share: 0.5, model: TRANSLATION }],
      at: (id) => upstreamIs(id, 'in_progress', (batch) => batch.metadata.stage === 'translation' && half(batch)),
      batches: 2,
    },
    {
      name: 'part of the translated notes is in, the rest is tried again',
      lots: () => ground.notedLots(LOTS),
      request: WITH_NOTES,
      faults: [
        { action: 'line_status', status: 500, code: 'server_error', kind: 'translation', probability: 0.5 },
        { action: 'batch_stuck', state: 'in_progress', share: 0.5, model: TRANSLATION, skip: 1 },
      ],
      at: (id) => async (status) => status.progress.processed_lots > 0 && (await upstream.batches(id)).length === 3,
      batches: 3,
      keeps: true,
    },
  ];
}

export async function proveCancelled(ground) {
  const { client, upstream } = ground;
  for (const [index, stage] of stages(ground).entries()) {
    await ground.scenario(`a${index + 1}. Cancelled while ${stage.name}`, async (scene) => {
      const { say, claim } = scene;
      await upstream.faults(...stage.faults);
      const { id } = await ground.accept(say, stage.lots?.() ?? ground.lots(LOTS), stage.request);
      const before = await client.until(id, stage.name, stage.at(id));
      say('status', inWords(before));
      say('its batches', batchesInWords(before));
      const cancelled = await client.cancel(id);
      say('cancel', `${cancelled.code} ${cancelled.body.status} at ${cancelled.body.cancelled_at}`);
      const [at, frozen] = [await client.status(id), await client.results(id)];
      const counts = countLots(frozen.lots);
      say('at once', inWords(at));
      say('results', `${frozen.code}: ${countsInWords(counts)}`);
      claim('the status reads cancelled at once', cancelled.code === 200 && at.status === 'cancelled');
      const kept = stage.keeps === true ? before.progress.processed_lots : 0;
      claim(
        `results are there at once: ${kept} lots that were done, all others cancelled`,
        frozen.lots.length === LOTS && (counts.completed ?? 0) === kept && counts.cancelled === LOTS - kept,
      );
      // The fault is removed first; otherwise it could be the fault that keeps another batch from being sent.
      if (stage.faults.some(({ action }) => action === 'quota')) await upstream.clearFaults();
      await client.settled(id);
      await client.until(id, 'no batch of it runs at OpenAI', () => upstream.hasEnded(id));
      const creations = await upstream.creations();
      await pause(AFTERWARDS_MS);
      claim('no batch runs on at OpenAI', await upstream.hasEnded(id));
      claim(
        `OpenAI got ${stage.batches} batches for it and none afterwards`,
        (await upstream.batches(id)).length === stage.batches && (await upstream.creations()) === creations,
      );
      claim('the results are the same as at the cancel', (await client.results(id)).text === frozen.text);
      const { direct } = await ground.bill(scene, id);
      claim('nothing was asked for directly', direct === 0);
    });
  }
  await ground.scenario('a10. Cancelled after its end', async (scene) => {
    const { say, claim } = scene;
    const { id } = await ground.accept(say, ground.lots(LOTS));
    const ended = await client.ended(id);
    say('status', inWords(ended));
    const before = await client.results(id);
    const { code, body } = await client.cancel(id);
    say('cancel', `${code} ${body.code}, status ${body.status}`);
    const after = await client.status(id);
    say('afterwards', inWords(after));
    say('results', `${before.code}: ${countsInWords(countLots(before.lots))}`);
    claim(
      '409 JOB_NOT_CANCELLABLE with the job’s state',
      code === 409 && body.code === 'JOB_NOT_CANCELLABLE' && body.status === 'completed',
    );
    claim('the job stays completed', hasEnded(after) && after.status === 'completed');
    claim('its results stay', (await client.results(id)).text === before.text);
    await ground.bill(scene, id);
  });
}
