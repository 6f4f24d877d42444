import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OrphanedFiles } from '../../src/batch/upkeep/orphaned-files.js';
import { Database } from '../../src/database/database.service.js';
import { OpenAiClient } from '../../src/openai/openai-client.js';
import { JobEnder } from '../../src/jobs/job-ender.js';
import { BatchRig } from './rig.js';

describe('files at OpenAI', () => {
  let rig: BatchRig;
  beforeEach(async () => {
    rig = await BatchRig.start();
  });
  afterEach(() => rig.close());

  const sweep = () => rig.module.get(OrphanedFiles).sweep(new AbortController().signal);
  const files = async () => {
    const { json } = await rig.sandbox.call('GET', '/v1/files');
    return json['data'] as { id: string; purpose: string; filename: string }[];
  };
  const purposes = async () => (await files()).map(({ purpose }) => purpose);
  const deletions = async () => {
    const { json } = await rig.sandbox.call('GET', '/sandbox/log?bodies=false');
    return (json['requests'] as { method: string; path: string }[]).filter(({ method }) => method === 'DELETE').length;
  };

  /** A shard that is about to be taken in. */
  async function toTakeIn(): Promise<void> {
    await rig.run('photos');
    await rig.run('submit');
    while ((await rig.shards()).some(({ status }) => status === 'watching')) {
      await rig.makeDue();
      await rig.run('watch');
    }
  }

  /** A job that has ended, with its files still there. */
  async function ended(): Promise<void> {
    const id = await rig.job({ languages: ['en'] });
    await toTakeIn();
    await rig.run('take-in');
    expect(await rig.jobRow(id)).toMatchObject({ status: 'completed' });
  }

  async function cancel(id: string): Promise<void> {
    await rig.module.get(Database).transaction(async (tx) => {
      await tx.execute('update openai_batches set cancel_requested = true where job_id = $1', [id]);
      await rig.module.get(JobEnder).endJob(tx, id, 'cancelled');
    });
  }

  it('files at OpenAI stand until everything of them is taken in, then go', async () => {
    const id = await rig.job({ languages: ['en'] });
    await toTakeIn();
    expect(await rig.run('files')).toBe(0);
    await sweep();
    expect(await deletions()).toBe(0);
    expect(await purposes()).toEqual(['batch_output', 'batch']);
    await rig.run('take-in');
    expect(await rig.jobRow(id)).toMatchObject({ status: 'completed' });
    expect(await rig.run('files')).toBe(1);
    expect(await files()).toEqual([]);
    expect(await rig.run('files')).toBe(0);
  });

  it('both files are removed when an output and an error file came', async () => {
    await rig.fault({ action: 'line_status', status: 500, code: 'server_error', count: 1 });
    await rig.job();
    await rig.runUntil(() => rig.settled());
    expect(await deletions()).toBe(3);
    expect(await files()).toEqual([]);
  });

  it.each([
    ['is away for a while', { action: 'status', status: 503, count: 5 }],
    ['does not answer though it deleted', { action: 'reset', after: true, count: 3 }],
  ])('files at OpenAI are deleted though OpenAI %s', async (_name, fault) => {
    await rig.fault({ ...fault, method: 'DELETE', path: '/v1/files/*' });
    await ended();
    await rig.runUntil(() => rig.settled());
    expect(await files()).toEqual([]);
  });

  it('files at OpenAI count as deleted when OpenAI does not know them', async () => {
    await rig.fault({ action: 'status', status: 404, method: 'DELETE', path: '/v1/files/*' });
    await ended();
    expect(await rig.run('files')).toBe(1);
    expect(await rig.spentFiles()).toBe(0);
  });

  it('files at OpenAI wait the longer the longer they cannot be deleted', async () => {
    await rig.fault({ action: 'status', status: 403, method: 'DELETE', path: '/v1/files/*' });
    await ended();
    await rig.db.database.execute(`update openai_batches set finished_at = now() - interval '1 day'`);
    await rig.makeDue();
    expect(await rig.run('files')).toBe(1);
    expect(
      await rig.db.database.query(
        `select lock_token from openai_batches where next_check_at > now() + interval '5 hours'
           and next_check_at < now() + interval '7 hours'`,
      ),
    ).toEqual([{ lock_token: null }]);
    expect(await files()).toHaveLength(2);
  });

  it('files at OpenAI are found by whoever comes after a process that died between two deletions', async () => {
    await ended();
    const stage = rig.stage('files');
    const [claim] = await stage.claim(1);
    if (claim === undefined) throw new Error('nothing to delete');
    const [file] = await files();
    await rig.sandbox.call('DELETE', `/v1/files/${file?.id}`);
    expect(await rig.run('files')).toBe(0);
    // Its lease is over.
    await rig.makeDue();
    expect(await rig.run('files')).toBe(1);
    expect(await files()).toEqual([]);
  });

  it('files of a cancelled job go once its batch has ended', async () => {
    const id = await rig.job();
    await toTakeIn();
    await cancel(id);
    await rig.runUntil(() => rig.settled());
    expect(await files()).toEqual([]);
  });

  it('files of a batch that was given up wait for its end, whatever it still writes', async () => {
    await rig.close();
    rig = await BatchRig.start({}, { SANDBOX_BATCH_FINALIZE_SECONDS: '3600' });
    const id = await rig.job({ languages: ['en'] });
    await rig.run('photos');
    await rig.run('submit');
    await rig.db.database.execute(`update batch_jobs set created_at = now() - interval '23 hours' where id = $1`, [id]);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
    await rig.makeDue();
    expect(await rig.run('files')).toBe(1);
    expect(await deletions()).toBe(0);
    // Before that the hour would begin only after the clock was moved.
    await expect
      .poll(async () => {
        const { json } = await rig.sandbox.call('GET', '/v1/batches');
        return (json['data'] as { status: string }[]).map(({ status }) => status);
      })
      .not.toContain('in_progress');
    await rig.sandbox.call('POST', '/sandbox/clock', { advanceSeconds: 3700 });
    await rig.runUntil(() => rig.settled());
    expect(await files()).toEqual([]);
  });

  it('files of another upstream are left to it, and struck once they have expired', async () => {
    await ended();
    await rig.db.database.execute(`update openai_batches set upstream = 'elsewhere'`);
    await rig.makeDue();
    expect(await rig.run('files')).toBe(0);
    await sweep();
    expect(await rig.spentFiles()).toBe(1);
    await rig.db.database.execute(`update openai_batches set finished_at = now() - interval '32 days'`);
    await sweep();
    expect(await rig.spentFiles()).toBe(0);
    expect(await files()).toHaveLength(2);
  });

  describe('that no shard knows of', () => {
    const named = async (name: string): Promise<string> => {
      const form = new FormData();
      form.set('purpose', 'batch');
      form.set('file', new File(['{}\n'], name));
      const answer = await fetch(`${rig.sandbox.server.origin}/v1/files`, {
        method: 'POST',
        headers: { authorization: 'Bearer test' },
        body: form,
      });
      return ((await answer.json()) as { id: string }).id;
    };

    it('files that no shard knows of are deleted when a later submission has taken their place, or the shard has ended', async () => {
      const id = await rig.job({ languages: ['en'] });
      const first = await named(`${id}-vision-0-0-1.jsonl`);
      await rig.run('photos');
      await sweep();
      // The database knows of no submission, because it may be a backup that was restored, and the file may be newer.
      expect((await files()).map((file) => file.id)).toEqual([first]);
      await rig.run('submit');
      await sweep();
      const [kept, ...others] = (await files()).filter(({ purpose }) => purpose === 'batch');
      expect(others).toEqual([]);
      expect(kept?.id).not.toBe(first);
      expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed' });
      await rig.runUntil(() => rig.settled());
      await named(`${id}-vision-0-0-1.jsonl`);
      await sweep();
      expect(await files()).toEqual([]);
    });

    it('files that no shard knows of are deleted after a kill between the upload and its commit', async () => {
      const id = await rig.job({ languages: ['en'] });
      await rig.run('photos');
      const [claim] = await rig.stage('submit').claim(1);
      if (claim === undefined) throw new Error('nothing to submit');
      await rig.db.database.execute(
        `update openai_batches set status = 'submitting', submission = 1, upstream = $1, submitted_at = now()`,
        [rig.module.get(OpenAiClient).fingerprint()],
      );
      const lost = await named(`${id}-vision-0-0-1.jsonl`);
      await sweep();
      expect((await files()).map((file) => file.id)).toEqual([lost]);
      await rig.makeDue();
      await rig.run('watch');
      await rig.run('submit');
      await sweep();
      // The batch may have ended by now, with an output.
      const inputs = (await files()).filter(({ purpose }) => purpose === 'batch');
      expect(inputs.map(({ filename }) => filename)).toEqual([`${id}-vision-0-0-2.jsonl`]);
      expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed' });
    });

    it('files of a submission that OpenAI refused are deleted', async () => {
      await rig.fault({ action: 'batch_fail', code: 'token_limit_exceeded', count: 1 });
      await rig.job({ languages: ['en'] });
      await rig.runUntil(() => rig.settled());
      expect(await purposes()).toEqual(['batch']);
      await sweep();
      expect(await files()).toEqual([]);
    });

    it("files that are another deployment's or somebody else's are left alone", async () => {
      await rig.runToEnd(await rig.job({ languages: ['en'] }));
      await rig.runUntil(() => rig.settled());
      await named('00000000-0000-7000-8000-000000000000-vision-0-0-1.jsonl');
      await named('report.jsonl');
      await sweep();
      expect(await files()).toHaveLength(2);
    });
  });
});
