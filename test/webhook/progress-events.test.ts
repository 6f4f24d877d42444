import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProgressEvents } from '../../src/webhook/progress-events.js';
import { ReceiverStore } from '../../src/webhook/receiver-store.js';
import { answer, startReceiver, type Receiver } from './support/receiver.js';
import { createRig, type Rig } from './support/rig.js';
import { seedJob, type SeededJob } from './support/seed.js';
import { verifyRequest } from './support/verify.js';

// Real: PostgreSQL, HTTP on loopback. Faked: the wall clock.
describe('progress events', () => {
  let rig: Rig;
  let receiver: Receiver;
  let progress: ProgressEvents;

  beforeEach(async () => {
    rig = await createRig();
    receiver = await startReceiver();
    progress = rig.module.get(ProgressEvents, { strict: false });
  });
  afterEach(async () => {
    await receiver.close();
    await rig.close();
  });

  const seed = (job: SeededJob = {}) =>
    seedJob(rig.db.database, {
      lots: 4,
      lotStatus: (position) => (position === 0 ? 'completed' : 'pending'),
      webhookUrl: `${receiver.origin}/hook`,
      options: { webhook_events: ['batch_job_progress'] },
      ...job,
    });
  /** Ends the job after its lots, as a batch does: nothing is sent of lots that have not ended. */
  const complete = async (id: string) => {
    await rig.db.database.execute(
      `update batch_lots set status = 'failed', error = '{"code": "NO_IMAGES", "message": "no photo"}', finished_at = now()
       where job_id = $1 and status = 'pending'`,
      [id],
    );
    await rig.end(id);
  };
  const record = (id: string) => rig.db.database.transaction((tx) => progress.record(tx, id));
  const statuses = async (id: string) =>
    (
      await rig.db.database.query<{ event: string; status: string }>(
        'select event, status from webhook_deliveries where job_id = $1 order by id',
        [id],
      )
    ).map(({ event, status }) => `${event} ${status}`);

  it('progress events tell how far a job has come, signed like everything else', async () => {
    const id = await seed({ metadata: { auction: 'A-17' } });
    await record(id);
    rig.clock.advance(1000);
    await rig.sendDue();
    const body = verifyRequest(receiver.requests[0] as Receiver['requests'][number]);
    expect(body).toEqual({
      event: 'batch_job_progress',
      signature: body.signature,
      version: '1.0.0',
      job_id: id,
      status: 'processing',
      timestamp: '2026-03-01T12:00:00Z',
      current_stage: 'finishing',
      total_lots: 4,
      completed_lots: 1,
      failed_lots: 0,
      completion_percentage: 25,
      paused: false,
      results_available: false,
      result_url: `/api/v1/batch-results/${id}`,
      metadata: { auction: 'A-17' },
      lots: [],
    });
  });

  it('progress events go to every address of the job, and only to jobs that asked and run', async () => {
    const id = await seed({ webhooks: (position) => (position === 2 ? `${receiver.origin}/own` : null) });
    await record(id);
    rig.clock.advance(1000);
    await rig.sendDue();
    expect(receiver.requests.map(({ path }) => path).toSorted((a, b) => a.localeCompare(b))).toEqual(['/hook', '/own']);
    const silent = await seed({ options: {} });
    await record(silent);
    expect(await statuses(silent)).toEqual([]);
    const ended = await seed();
    await rig.end(ended);
    await record(ended);
    expect(await statuses(ended)).toEqual(['batch_job_completed pending']);
  });

  it('progress events are superseded by newer ones, which take their turn, and by the end', async () => {
    const id = await seed();
    for (let i = 0; i < 3; i++) {
      await record(id);
      rig.clock.advance(400);
    }
    // A job that changes all the time still sends its progress, because the first event's time was kept.
    await rig.sendDue();
    expect(receiver.requests).toHaveLength(1);
    await record(id);
    await complete(id);
    await rig.sendDue();
    expect(await statuses(id)).toEqual([
      'batch_job_progress superseded',
      'batch_job_progress superseded',
      'batch_job_progress delivered',
      'batch_job_progress superseded',
      'batch_job_completed delivered',
    ]);
  });

  it('progress events that failed are superseded too instead of arriving late', async () => {
    receiver.behave(answer(500));
    const id = await seed();
    await record(id);
    rig.clock.advance(1000);
    await rig.sendDue();
    await rig.end(id, 'cancelled');
    expect(await statuses(id)).toEqual(['batch_job_progress superseded', 'batch_job_cancelled pending']);
  });

  it('progress events do not hide from who names an address next that it is failing', async () => {
    const health = rig.module.get(ReceiverStore, { strict: false });
    const url = `${receiver.origin}/hook`;
    const { host } = new URL(url);
    expect(await health.failing('default', [url])).toEqual([]);
    receiver.behave(answer(500));
    const id = await seed();
    await complete(id);
    for (let i = 0; i < 3; i++) {
      await rig.sendDue();
      rig.clock.advance(1_000_000);
    }
    expect(await health.failing('default', [url, `${receiver.origin}/other`, 'https://well.test/'])).toEqual([host]);
    expect(await health.failing('somebody', [url])).toEqual([]);
    expect(await health.failing('default', [])).toEqual([]);
    receiver.behave(answer(200));
    await rig.sendDue();
    expect(await health.failing('default', [url])).toEqual([]);
  });
});
