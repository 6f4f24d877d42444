import { ModuleRef } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/common/ids.js';
import { AttemptsModule } from '../../src/webhook/attempts.module.js';
import { BodyRenderer } from '../../src/webhook/body-renderer.js';
import { createRig, type Rig } from './support/rig.js';
import { seedJob, type SeededJob } from './support/seed.js';

// Real: PostgreSQL. Faked: the wall clock.
describe('a body', () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await createRig({ settings: { webhook: { partLots: 3 } } });
  });
  afterAll(async () => {
    await rig.close();
  });

  /** A renderer of its own, as another process or the next attempt would have. */
  const renderer = () => rig.module.select(AttemptsModule).get(ModuleRef, { strict: true }).create(BodyRenderer);
  const claimed = async (job: SeededJob, status: 'completed' | 'failed' | 'cancelled' = 'completed') => {
    const id = await seedJob(rig.db.database, { webhookUrl: `https://${newId()}.test/`, ...job });
    await rig.end(id, status);
    return rig.claims.claim({ token: newId(), leaseSeconds: 60, limit: 100, now: rig.clock.date() });
  };

  const jobs: [string, SeededJob, ('completed' | 'failed' | 'cancelled')?][] = [
    ['of many languages', { lots: 7, languages: ['de', 'ru', 'pt-BR'] }],
    [
      'of failed and completed lots',
      { lots: 5, lotStatus: (position) => (position % 2 === 0 ? 'failed' : 'completed') },
    ],
    ['of a failed job', { lots: 2, lotStatus: () => 'failed' }, 'failed'],
    [
      'of a cancelled job',
      { lots: 5, lotStatus: (position) => (position === 1 ? 'completed' : 'pending') },
      'cancelled',
    ],
    ['with findings and usage', { lots: 3, languages: ['en', 'ru'], options: { include: ['assessment', 'usage'] } }],
    ['with findings but without English', { lots: 3, languages: ['ru'], options: { include: ['assessment'] } }],
    ['full of what JSON escapes', { lots: 3, html: () => '<p>"\\ \n \u2028 \u{1f697} </p>' }],
    ['with metadata', { metadata: { b: '2', a: 'Ключ', '10': 'x' } }],
  ];

  it.each(jobs)('a body %s is the same whether its lots were read ahead or not', async (_what, job, status) => {
    const deliveries = await claimed(job, status);
    expect(deliveries.length).toBeGreaterThan(0);
    const [ahead, behind] = await Promise.all([renderer(), renderer()]);
    await ahead.prefetch(deliveries);
    for (const delivery of deliveries) {
      const [prefetched, read] = await Promise.all([ahead.render(delivery), behind.render(delivery)]);
      expect(prefetched.bytes.toString()).toBe(read.bytes.toString());
      expect(prefetched).toEqual(read);
    }
  });

  it('a body of a job that an older version described and ended has the bytes that this version sent', async () => {
    const [delivery] = await claimed({
      lots: 3,
      languages: ['en'],
      options: { include: ['assessment'] },
      lotStatus: (position) => (position === 1 ? 'failed' : 'completed'),
    });
    if (delivery === undefined) throw new Error('nothing was claimed');
    await rig.db.database.execute(
      `update batch_results set assessment = '{"needs_review": true, "review_reasons": ["photo_unusable"]}' where job_id = $1`,
      [delivery.jobId],
    );
    const [ahead, behind] = await Promise.all([renderer(), renderer()]);
    await ahead.prefetch([delivery]);
    const described = (position: number) =>
      `{"lot_id":"lot-${position}","status":"completed","processed_at":"2026-03-01T11:59:00Z","processed_images":3,` +
      `"descriptions":[{"language":"en","damages":"<p>Lot ${position} — повреждение (en)</p>"}],"missing_images":[],` +
      `"photo_problems":[],"pending_languages":[],` +
      `"assessment":{"needs_review": true, "review_reasons": ["photo_unusable"]}}`;
    const failed =
      `{"lot_id":"lot-1","status":"failed","processed_at":"2026-03-01T11:59:00Z","processed_images":0,"descriptions":[],` +
      `"missing_images":[],"photo_problems":[],"pending_languages":[],"error":{"code":"NO_IMAGES","message":"no photo"}}`;
    for (const one of [ahead, behind]) {
      const body = (await one.render(delivery)).bytes.toString();
      expect(body.slice(body.indexOf('"lots":'))).toBe(`"lots":[${described(0)},${failed},${described(2)}]}`);
    }
  });

  it('a body carries the revision that was there when the job ended', async () => {
    const [delivery] = await claimed({ languages: ['en'] });
    if (delivery === undefined) throw new Error('nothing was claimed');
    const before = await (await renderer()).render(delivery);
    await rig.db.database.execute(
      `insert into batch_results (job_id, position, language, revision, html, strings, needs_review, created_at)
       values ($1, 0, 'en', 1, '<p>reviewed</p>', '[]', '{"value":true,"reasons":["no_vehicle"]}', now())`,
      [delivery.jobId],
    );
    await rig.db.database.execute(
      'update batch_jobs set revision = 1, shows_review = true, version = version + 1 where id = $1',
      [delivery.jobId],
    );
    const ahead = await renderer();
    await ahead.prefetch([delivery]);
    expect((await (await renderer()).render(delivery)).sha256).toBe(before.sha256);
    expect((await ahead.render(delivery)).sha256).toBe(before.sha256);
  });
});
