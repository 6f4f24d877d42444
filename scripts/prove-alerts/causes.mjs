// What makes each alert fire, in the order in which it is tried. `cause` may return what ends it again.
import { ENDING_MODEL } from './night.mjs';

/** A batch that OpenAI takes and never ends. */
const STUCK = { action: 'batch_stuck', state: 'in_progress', share: 0 };

export const CAUSES = [
  {
    alert: 'ReceiverDown',
    what: 'a receiver answers 500',
    cause: (night) => night.repeat(() => night.submit(1, { webhook_url: night.receivers.down.url })),
  },
  {
    alert: 'WebhooksGivenUp',
    what: 'a receiver wants no more webhooks (410)',
    cause: (night) => night.repeat(() => night.submit(1, { webhook_url: night.receivers.gone.url })),
  },
  {
    alert: 'WebhooksLate',
    what: 'its circuit is open, and webhooks have been due for 20 minutes',
    cause: async (night) => {
      const { origin } = new URL(night.receivers.down.url);
      await night.submit(1, { webhook_url: night.receivers.down.url });
      const end = night.repeat(() =>
        night.sql(`with held as (
            update webhook_endpoints set opened_at = now(), open_until = now() + interval '1 hour'
            where origin = '${origin}')
          update webhook_deliveries set next_attempt_at = now() - interval '20 minutes'
          where origin = '${origin}' and status = 'pending'`),
      );
      return async () => {
        await end();
        await night.sql(`delete from webhook_deliveries where origin = '${origin}'`);
      };
    },
  },
  {
    alert: 'PhotoHostsFailing',
    what: 'photos answer 404',
    cause: (night) => night.repeat(() => night.submit(20, {}, 'gone')),
  },
  {
    alert: 'OpenAiFailing',
    what: 'OpenAI answers 500 to synchronous requests',
    cause: failingAnswers,
  },
  {
    alert: 'ServerErrors',
    what: 'the same seen by clients',
    cause: failingAnswers,
  },
  {
    alert: 'OldestLotLate',
    what: 'a batch never ends at OpenAI, 13 hours long',
    cause: async (night) => {
      await night.upstream.faults(STUCK);
      const id = await night.submit(5);
      await night.client.until(id, 'the batch is at OpenAI', async () => (await night.upstream.batches(id)).length > 0);
      await night.sql(`update batch_jobs set created_at = created_at - interval '13 hours' where id = '${id}'`);
      return async () => {
        await night.client.cancel(id);
        await night.upstream.clearFaults();
      };
    },
  },
  {
    alert: 'OpenAiQueueFull',
    what: 'there is no quota for a batch, 3 hours long',
    cause: async (night) => {
      await night.upstream.faults({ action: 'quota', method: 'POST', path: '/v1/batches' });
      const id = await night.submit(5);
      const waits = ({ openai_batches: batches }) => batches.some(({ reason }) => reason === 'insufficient_quota');
      await night.client.until(id, 'the batch waits', waits);
      await night.sql(`update openai_batches set created_at = created_at - interval '3 hours' where job_id = '${id}'`);
      return async () => {
        await night.client.cancel(id);
        await night.upstream.clearFaults();
      };
    },
  },
  {
    alert: 'ModelEnds',
    what: 'a configured model is shut down in ten days',
    cause: (night) => night.start('ending', { ROLE: 'api', OPENAI_TRANSLATION_MODEL: ENDING_MODEL }),
  },
  {
    alert: 'ModelGone',
    what: 'a configured model is not known to OpenAI',
    cause: (night) => night.start('gone', { ROLE: 'api', OPENAI_TRANSLATION_MODEL: 'gpt-4-gone' }),
  },
  {
    alert: 'WorkerGone',
    what: 'the only worker is killed',
    cause: (night) => night.kill('worker'),
  },
  {
    alert: 'NothingIsSeen',
    what: 'all processes are killed',
    cause: async (night) => {
      for (const name of night.services.keys()) await night.kill(name);
    },
  },
];

/** OpenAI answers 500 to what clients wait for. Two alerts must see that: one looks at OpenAI, the other at our own answers. */
async function failingAnswers(night) {
  await night.upstream.faults({ action: 'status', status: 500, method: 'POST', path: '/v1/responses' });
  const end = night.repeat(() => night.client.create(night.lots(1), { mode: 'sync' }));
  return async () => {
    await end();
    await night.upstream.clearFaults();
  };
}
