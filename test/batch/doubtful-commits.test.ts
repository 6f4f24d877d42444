import { afterAll, beforeAll, expect, it } from 'vitest';
import { CommitInDoubtError } from '../../src/common/database-away.js';
import { JobAdvance } from '../../src/batch/shards/job-advance.js';
import { BatchRig } from './rig.js';

// Where lots lie on another server than their job, both prepare a transaction first, and the job's server commits before the lots' one.
// If it dies between the two, the lots' half is in doubt until it is settled: rows that were added are not seen, and rows that were
// changed are seen as before, and are locked.

let rig: BatchRig;
beforeAll(async () => {
  rig = await BatchRig.start();
});
afterAll(() => rig.close());

it('a job whose lots are in doubt waits for them, and is not passed on without them', async () => {
  const id = await rig.job({ lots: 3 });
  await rig.db.database.execute('create table doubt as select * from batch_lots where job_id = $1', [id]);
  await rig.db.database.execute('delete from batch_lots where job_id = $1 and position = 2', [id]);
  await expect(rig.runUntil(() => rig.settled())).rejects.toThrow(CommitInDoubtError);
  expect(await rig.shards()).toMatchObject([{ status: 'checking_photos' }]);
  await expect(rig.module.get(JobAdvance).recount(id)).rejects.toThrow(CommitInDoubtError);
  await rig.db.database.execute('insert into batch_lots select * from doubt where position = 2');
  await rig.db.database.execute(`update openai_batches set next_check_at = now() where job_id = $1`, [id]);
  expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
  expect(await rig.audit(id)).toEqual([]);
});

it('counters are set right only from lots that are settled', async () => {
  const id = await rig.job({ lots: 2 });
  const advance = rig.module.get(JobAdvance);
  await rig.db.database.execute(`update batch_jobs set failed_lots = 1, awaiting_images = 1 where id = $1`, [id]);
  const counted = await rig.db.database.transaction(async (tx) => {
    await tx.execute(
      `update batch_lots set status = 'failed', finished_at = now(), error = '{"code": "NO_IMAGES", "message": "none"}'
       where job_id = $1 and position = 0`,
      [id],
    );
    const recount = advance.recount(id);
    // It waits for these rows, and for no other: the job's row is free.
    await expect
      .poll(() =>
        rig.db.database.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
             and query like '%for share%'`,
        ),
      )
      .toHaveLength(1);
    await tx.execute('select from batch_jobs where id = $1 for update', [id]);
    return { recount };
  });
  await counted.recount;
  expect(await rig.jobRow(id)).toMatchObject({ failed_lots: 1, failures: { NO_IMAGES: { lots: 1 } } });
});
