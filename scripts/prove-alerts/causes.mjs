// What makes each alert fire, in the order in which it is tried. `cause` may return what ends it again.
import { JobClient } from '../prove/job-client.mjs';
import { ENDING_MODEL } from './night.mjs';

/** The first ids of 2020, and one of a far future. */
const LONG_AGO = '016f5e66-e800-7000-8000-000000000000';
const FAR_OFF = 'e6770000-0000-7000-8000-000000000000';

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
    alert: 'LimitsCountedAlone',
    what: 'an api cannot write to the table of limits',
    cause: async (night) => {
      await night.start('limited', { ROLE: 'api', RATE_LIMIT_STORE: 'postgres' });
      const lock = await night.stage.pool.connect();
      await lock.query('begin; lock table rate_limits in access exclusive mode');
      const end = night.repeat(() => new JobClient(night.services.get('limited').origin).jobs());
      return async () => {
        await end();
        await lock.query('rollback');
        lock.release();
        await night.kill('limited');
      };
    },
  },
  {
    alert: 'WorkerGone',
    what: 'the only worker is killed',
    cause: (night) => night.kill('worker'),
  },
  // Without a worker, which would mend it.
  {
    alert: 'RowsOutsideWeeks',
    what: 'a lot has the id of a job of a far future',
    cause: async (night) => {
      await night.operate('partitions', 'enable', '--reason', 'proof', '--by', 'prove');
      await night.sql(`insert into batch_lots (job_id, position, lot_id) values ('${FAR_OFF}', 0, 'a')`);
      return () => night.sql(`delete from batch_lots where job_id = '${FAR_OFF}'`);
    },
  },
  {
    alert: 'WeeksMissing',
    what: 'the coming weeks have no partition',
    cause: async (night) => {
      const { rows } = await night.sql(
        `select c.relname as name, substring(pg_get_expr(c.relpartbound, c.oid) from 'TO (.*)$') as end
           from pg_inherits join pg_class c on c.oid = inhrelid
          where inhparent = 'batch_lots'::regclass and c.relname like '%_until_%'`,
      );
      const [{ name, end }] = rows;
      await night.sql(`alter table batch_lots detach partition ${name}`);
      return () =>
        night.sql(`alter table batch_lots attach partition ${name} for values from ('${LONG_AGO}') to ${end}`);
    },
  },
  {
    alert: 'WeekNotDropped',
    what: 'a week of long ago is still there',
    cause: async (night) => {
      await night.sql(`create table old_week partition of batch_lots for values from (minvalue) to ('${LONG_AGO}')`);
      return () => night.sql('drop table old_week');
    },
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
