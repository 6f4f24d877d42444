// Batches that OpenAI lets expire, and a queue that it holds up because the quota is used up.
import { batchesInWords, countLots, countsInWords, inWords } from '../prove/job-client.mjs';
import { pause } from '../prove/stage.mjs';
import { countUnnoted, WITH_NOTES } from './ground.mjs';

const LOTS = 150;
const PAUSE_MS = 4000;
/** How many of its lines a batch runs before it expires. */
const SHARE = 0.6;

export function proveExpired(ground) {
  return ground.scenario('b. Both batches of a job with notes expire after 60 % of their lots', async (scene) => {
    const { say, claim } = scene;
    const { client, upstream } = ground;
    const expire = { action: 'batch_expire', share: SHARE, count: 1 };
    await upstream.faults({ ...expire, model: 'gpt-5.6-terra' }, { ...expire, model: 'gpt-5.6-luna' });
    const { id } = await ground.accept(say, ground.notedLots(LOTS), WITH_NOTES);
    say('status', inWords(await client.ended(id)));
    const { code, lots } = await client.results(id);
    const counts = countLots(lots);
    say('results', `${code}: ${countsInWords(counts)}`);
    const { status, batches, bill, direct } = await ground.bill(scene, id);
    say('its batches', batchesInWords(status));
    claim(
      'every lot completed, with its notes in all its languages',
      countsInWords(counts) === `${LOTS} completed` && countUnnoted(lots) === 0,
    );
    const expired = batches.filter((batch) => batch.status === 'expired');
    claim(
      'what an expired batch had done was kept and the rest alone sent again: each stage is paid once a lot',
      bill.lines === 2 * LOTS &&
        expired.length === 2 &&
        expired.every(({ request_counts: { completed, total } }) => completed === Math.floor(total * SHARE)),
    );
    claim('nothing was asked for directly, at twice the price', direct === 0);
  });
}

/** The quota is used up when the first batch is created, and is there again some seconds later. */
export function proveQuota(ground) {
  return ground.scenario('c. No quota at OpenAI, then there is again', async (scene) => {
    const { say, claim } = scene;
    const { client, upstream } = ground;
    await upstream.faults({ action: 'quota', method: 'POST', path: '/v1/batches' });
    const creations = await upstream.creations();
    const first = await ground.accept(say, ground.lots(LOTS));
    const reason = (name) => (status) => status.openai_batches.some((batch) => batch.reason === name);
    const paused = await client.until(first.id, 'the status tells of the pause', reason('insufficient_quota'));
    say('status', inWords(paused));
    say('its batches', batchesInWords(paused));
    const second = await ground.accept(say, ground.lots(LOTS));
    const queued = await client.until(second.id, 'the second job waits too', reason('insufficient_quota'));
    say('status of 2nd', inWords(queued));
    await pause(PAUSE_MS);
    const tried = (await upstream.creations()) - creations;
    say('meanwhile', `OpenAI was tried ${tried} times in ${PAUSE_MS / 1000} s`);
    const before = await client.status(first.id);
    claim(
      'nothing fails and nothing is sent while the quota is gone',
      before.progress.failed_lots === 0 && !before.openai_batches.some(({ batch_id }) => batch_id !== null),
    );
    // The pause of a model is 10 to 30 polling intervals: here 2 to 6 s.
    claim('OpenAI is asked seldom meanwhile', tried <= 1 + Math.ceil(PAUSE_MS / 1000));
    await upstream.clearFaults();
    say('quota', 'there again');
    const ends = await Promise.all([client.ended(first.id), client.ended(second.id)]);
    for (const [index, { id }] of [first, second].entries()) {
      say('status', inWords(ends[index]));
      const { code, lots } = await client.results(id);
      const counts = countLots(lots);
      say('results', `${code}: ${countsInWords(counts)}`);
      claim('every lot completed', countsInWords(counts) === `${LOTS} completed`);
      const { batches, direct, status } = await ground.bill(scene, id);
      claim('by one batch, nothing directly', batches.length === 1 && direct === 0);
      claim(
        'no attempt was used up, and no reason is left',
        status.openai_batches.every((batch) => batch.attempt === 0 && batch.reason === null),
      );
    }
  });
}

/** An estimate above max_cost_usd. */
export function proveCost(ground) {
  return ground.scenario('f. max_cost_usd below the estimate', async (scene) => {
    const { say, claim } = scene;
    const { client, upstream } = ground;
    const jobs = await client.jobs();
    const requests = await upstream.count((name) => name.startsWith('POST '));
    const lots = ground.lots(LOTS);
    const refused = await client.create(lots, { max_cost_usd: 0.01 });
    const estimate = refused.body.estimated_cost_usd;
    say('created', `${refused.code} ${refused.body.code}, estimated_cost_usd ${estimate}`);
    say('message', refused.body.message);
    claim(
      '422 COST_LIMIT_EXCEEDED with the estimate',
      refused.code === 422 && refused.body.code === 'COST_LIMIT_EXCEEDED' && estimate > 0.01,
    );
    claim('there is no job', (await client.jobs()) === jobs);
    claim('nothing was sent to OpenAI', (await upstream.count((name) => name.startsWith('POST '))) === requests);
    const most = Math.ceil(estimate * 100 + 1) / 100;
    say('once more', `with max_cost_usd ${most}`);
    const { id, accepted } = await ground.accept(say, lots, { max_cost_usd: most });
    say('status', inWords(await client.ended(id)));
    const { status } = await ground.bill(scene, id);
    claim(
      'the same lots are taken with more, at the same estimate',
      // The refusal rounds it up to a millionth, so that it can be sent back as a limit.
      Math.abs(accepted.estimated_cost_usd - estimate) <= 1e-6,
    );
    claim('the job costs no more than that', status.usage.cost_usd <= most);
  });
}
