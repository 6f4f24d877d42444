import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MOST_FAILURES, type Stage } from '../../src/batch/stages/stage.js';
import { StageLoop } from '../../src/batch/stages/stage-loop.js';
import { Leases } from '../../src/database/leases.service.js';
import { LeaseLostError } from '../../src/database/lease.js';
import { JobAdvance } from '../../src/batch/shards/job-advance.js';
import { ShardStore } from '../../src/batch/shards/shard-store.js';
import { OpenAiError } from '../../src/openai/errors.js';
import { BatchRig } from './rig.js';

type Name = Parameters<BatchRig['stage']>[0];

describe('a stage that meets an error which nothing foresees', () => {
  let rig: BatchRig;
  beforeEach(async () => {
    rig = await BatchRig.start();
  });
  afterEach(() => rig.close());

  /** The stage under its own loop, as each process runs it, with another way to fail. */
  function loopOf(name: Name, run?: (stage: Stage) => Promise<void>): StageLoop {
    const real = rig.stage(name);
    const stage: Stage = {
      name: real.name,
      atOnce: real.atOnce,
      claim: (limit) => real.claim(limit),
      run: (claim, signal) => (run === undefined ? real.run(claim, signal) : run(real)),
      giveUp: (claim) => real.giveUp(claim),
    };
    // Each time a new loop, as if it were another process: the count of failures must survive that.
    const advance = rig.module.get(JobAdvance);
    return new StageLoop(
      stage,
      rig.module.get(Leases),
      rig.module.get(ShardStore),
      rig.db.database,
      () => undefined,
      (jobId) => advance.recount(jobId),
    );
  }

  async function round(name: Name, run?: (stage: Stage) => Promise<void>): Promise<void> {
    await rig.makeDue();
    const loop = loopOf(name, run);
    await loop.fill();
    await loop.idle();
  }

  const failures = async () => {
    const rows = await rig.db.database.query<{ failures: number }>('select failures from openai_batches');
    return rows.map((row) => row.failures);
  };
  const odd = () => Promise.reject(new TypeError('nobody thought of this'));

  it.each(['photos', 'submit', 'watch', 'take-in', 'direct'] as const)(
    'a stage gives up a shard that fails for an unforeseen reason after its tries, and the job comes to its end: %s',
    async (name) => {
      const stages: Name[] = ['photos', 'submit', 'watch', 'take-in', 'direct'];
      // The direct stage gets its lots from lines that failed.
      if (name === 'direct') await rig.fault({ action: 'line_status', status: 500, code: 'server_error' });
      const id = await rig.job({ lots: 3, languages: ['en'] });
      const before = async () => {
        await rig.makeDue();
        for (const earlier of stages.slice(0, stages.indexOf(name))) await rig.run(earlier);
      };
      let ran = 0;
      for (let rounds = 0; ran < MOST_FAILURES && rounds < 50; rounds += 1) {
        await before();
        await round(name, () => {
          ran += 1;
          return odd();
        });
      }
      expect(ran).toBe(MOST_FAILURES);
      const job = await rig.runToEnd(id);
      const ends = {
        photos: 'failed',
        submit: 'completed',
        watch: 'completed',
        'take-in': 'completed',
        direct: 'failed',
      };
      expect(job['status']).toBe(ends[name]);
      const codes = (await rig.lots(id)).map((lot) => lot.error?.code ?? null);
      expect(new Set(codes)).toEqual(new Set([ends[name] === 'failed' ? 'INTERNAL_ERROR' : null]));
      expect(await rig.audit(id)).toEqual([]);
    },
  );

  it('a stage counts no failure for a database or an OpenAI that is away, a lost lease or a conflict of transactions', async () => {
    await rig.job();
    const passing = [
      Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' }),
      Object.assign(new Error('the server goes down'), { code: '57P01', severity: 'FATAL' }),
      Object.assign(new Error('deadlock'), { code: '40P01', severity: 'ERROR' }),
      Object.assign(new Error('disk full'), { code: '53100', severity: 'ERROR' }),
      new OpenAiError({ kind: 'server', retryable: true, status: 500 }),
      new LeaseLostError('openai_batches', 'another holder has it'),
    ];
    for (const error of passing) {
      await round('photos', () => Promise.reject(error));
      expect(await failures()).toEqual([0]);
    }
    // They also do not end a row of failures.
    await round('photos', odd);
    for (const error of passing) await round('photos', () => Promise.reject(error));
    expect(await failures()).toEqual([1]);
  });

  it('a stage forgets failures once it has got on', async () => {
    const id = await rig.job({ languages: ['en'] });
    await round('photos', odd);
    await round('photos', odd);
    expect(await failures()).toEqual([2]);
    await round('photos');
    expect(await failures()).toEqual([0]);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed' });
  });

  it('a stage counts no failure when the process is told to stop', async () => {
    await rig.job();
    await rig.makeDue();
    let loop: StageLoop | undefined;
    loop = loopOf('photos', () => {
      loop?.stop();
      return odd();
    });
    await loop.fill();
    await loop.idle();
    expect(await failures()).toEqual([0]);
  });
});

describe('what OpenAI says of a batch', () => {
  let rig: BatchRig;
  beforeEach(async () => {
    rig = await BatchRig.start();
  });
  afterEach(() => rig.close());

  it('what OpenAI says of a batch is written whatever it is: counts beyond a column, words with U+0000', async () => {
    await rig.job({ languages: ['en'] });
    const [claim] = await rig.stage('photos').claim(1);
    if (claim === undefined) throw new Error('nothing to claim');
    await rig.module.get(ShardStore).step(rig.db.database, claim, {
      request_total: 1e20,
      request_completed: -5,
      request_failed: Number.NaN,
      estimated_tokens: 1e300,
      upstream_status: 'in\0progress',
      batch_id: `batch_${'x'.repeat(5000)}`,
      reason: '\ud800',
    });
    const [row] = await rig.db.database.query(
      `select request_total, request_completed, request_failed, estimated_tokens::float8, upstream_status,
         length(batch_id) as length, reason from openai_batches`,
    );
    expect(row).toEqual({
      request_total: 2 ** 31 - 1,
      request_completed: 0,
      request_failed: 0,
      estimated_tokens: Number.MAX_SAFE_INTEGER,
      upstream_status: 'inprogress',
      length: 200,
      reason: '\uFFFD',
    });
  });
});
