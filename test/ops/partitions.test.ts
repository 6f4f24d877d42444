import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Clock, DAY_MS } from '../../src/common/clock.js';
import { OperatorActStore } from '../../src/ops/operator-act-store.js';
import { PartitionStore } from '../../src/jobs/partition-store.js';
import { firstWeekAfter } from '../../src/jobs/weeks.js';
import { OpsRig } from './rig.js';

const WHY = ['--reason', 'a million lots a day', '--by', 'Ann'];

// Real: PostgreSQL and the commands. Faked: the time, which stands still, so that no week ends meanwhile.
let ops: OpsRig;
const now = Date.now();

beforeAll(async () => {
  ops = await OpsRig.start();
  vi.spyOn(ops.app.get(Clock, { strict: false }), 'now').mockReturnValue(now);
});
afterAll(() => ops.close());

const attention = async () =>
  (await ops.json<{ attention: string[] }>('status')).attention.filter((words) => words.includes('artition'));

it('partitions are enabled and disabled by commands that are on record without a job, and status tells what is amiss', async () => {
  expect(await ops.json('partitions', 'status')).toMatchObject({ state: 'off', weeks_ahead: null });
  const enabled = await ops.run('partitions', 'enable', ...WHY);
  expect(enabled.document).toMatchObject({ act: 'partitions enable', changed: true, audit: { by: 'Ann' } });
  expect(enabled.text).toMatch(
    /^The tables of lots are partitioned by weeks now\. Each was locked for at most \d+ ms\.\nOn record as /,
  );
  expect((await ops.run('partitions', 'enable', ...WHY)).text).toMatch(
    /^The tables of lots are partitioned by weeks already\.\n/,
  );
  expect(await ops.json('partitions', 'status')).toMatchObject({
    state: 'on',
    weeks_ahead: 8,
    default_has_rows: false,
  });
  expect(await attention()).toEqual([]);

  await ops.db.database.execute(
    `insert into batch_lots (job_id, position, lot_id) values ('ffffffff-0000-7000-8000-000000000000', 0, 'a')`,
  );
  expect(await attention()).toEqual(['Rows of lots are in a default partition (npm run ops -- partitions status).']);
  await ops.db.database.execute('delete from batch_lots');

  expect((await ops.run('partitions', 'disable', ...WHY)).text).toMatch(/^The tables of lots are plain tables now\./);
  expect(await ops.json('partitions', 'status')).toMatchObject({ state: 'off' });
  const acts = await ops.app.get(OperatorActStore).latest(null, 10);
  expect(acts.map(({ act, jobId, result }) => [act, jobId, result?.['changed']])).toEqual([
    ['partitions disable', null, true],
    ['partitions enable', null, false],
    ['partitions enable', null, true],
  ]);
  expect((await ops.run('audit')).text).toContain('partitions disable');
});

it('what was stopped in the middle is told by status, and what is refused is on record with its code', async () => {
  const store = ops.app.get(PartitionStore);
  await store.confine('batch_lots', { from: null, to: firstWeekAfter(now + DAY_MS) });
  expect(await attention()).toEqual(['A change of the partitions was ended before it was done: repeat the command.']);
  expect((await ops.run('partitions', 'status')).text).toMatch(/^A command was ended before it was done/);
  await ops.run('partitions', 'disable', ...WHY);
  expect(await attention()).toEqual([]);
  const distributed = store.distributed.bind(store);
  store.distributed = async () => ['batch_lots', 'batch_results'];
  await expect(ops.run('partitions', 'enable', ...WHY)).rejects.toThrow(
    /^Citus distributes batch_lots, batch_results here, which takes the place of partitions/,
  );
  store.distributed = distributed;
  const [act] = await ops.app.get(OperatorActStore).latest(null, 1);
  expect(act?.result).toEqual({ changed: false, refused: 'DISTRIBUTED' });
});
