import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RequestFile, type FileFacts, type FileLimits } from '../../src/batch/lines/request-file.js';
import { ModelSettings } from '../../src/describe/model-settings.js';
import type { ShardLots } from '../../src/jobs/lot-store.js';
import { BatchRig } from './rig.js';

const NO_LIMIT: FileLimits = { tokens: null };
const NOTED = { languages: ['en', 'de'], options: { include: ['notes'] } } as const;

let rig: BatchRig;
beforeAll(async () => {
  rig = await BatchRig.start();
  // What a second model stage would send; texts have none.
  const translated = vi.spyOn(rig.module.get(ModelSettings, { strict: false }), 'toTranslate');
  translated.mockImplementation((languages) => languages.filter((language) => language === 'fi'));
});
afterAll(() => rig.close());

interface Written {
  readonly facts: FileFacts;
  readonly bytes: number;
  readonly text: string;
}

/** @param keep - false counts the bytes of a file that is too large for memory */
async function write(lots: ShardLots, limits: FileLimits, keep = true): Promise<Written> {
  const facts: FileFacts = { lines: 0, bytes: 0, tokens: 0, splitAt: null };
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of rig.module.get(RequestFile).write(lots, NOTED, limits, facts)) {
    bytes += piece.length;
    if (keep) pieces.push(Buffer.from(piece));
  }
  return { facts, bytes, text: Buffer.concat(pieces).toString() };
}

/** A job whose lots are ready for a stage, made by one statement: some limits need tens of thousands. */
async function ready(stage: 'vision' | 'translation', lots: number): Promise<ShardLots> {
  const jobId = await rig.job({ lots: 0 });
  await rig.db.database.execute(
    `with lot as (
       insert into batch_lots (job_id, position, lot_id, status, processed_images)
       select $1, n, 'lot-' || n, $3, 2 from generate_series(0, $2::int - 1) n),
     result as (
       insert into batch_results (job_id, position, language, html, strings, created_at)
       select $1, n, 'en', '<p>A dent.</p>', '{"blocks":[{"kind":"note","finding":1,"type":"dent","before":"","note":"A soft line","after":"."}]}', now()
       from generate_series(0, $2::int - 1) n)
     insert into batch_lot_inputs (job_id, position, images)
     select $1, n, json_build_array('https://cdn.test/' || n || '.jpg') from generate_series(0, $2::int - 1) n`,
    [jobId, lots, stage === 'vision' ? 'processing' : 'translating'],
  );
  return { jobId, stage, first: 0, last: lots - 1, attempt: 0 };
}

const lines = (text: string) => text.split('\n').length - 1;

describe('a request file', () => {
  it('a request file names a photo once that a lot names twice, none that is missing, and all as a fetcher reads them', async () => {
    const id = await rig.job({
      lots: 1,
      photos: () => ['/1.jpg', '/my car.jpg', '/missing.jpg', '/1.jpg', '/2.jpg', '/my car.jpg', '/3.jpg\n', '/4.jpg'],
    });
    await rig.run('photos');
    expect((await rig.lots(id))[0]).toMatchObject({ status: 'processing' });
    const [lot] = await rig.db.database.query(
      'select processed_images, missing_images from batch_lots where job_id = $1',
      [id],
    );
    expect(lot).toMatchObject({ processed_images: 5, missing_images: [expect.stringMatching(/missing/)] });
    const lots = { jobId: id, stage: 'vision', first: 0, last: 0, attempt: 0 } as const;
    const { text } = await write(lots, NO_LIMIT);
    const sent = [...text.matchAll(/"image_url":"http:\/\/[^/]*([^"]*)"/g)].map(([, path]) => path);
    expect(sent).toEqual(['/1.jpg', '/my%20car.jpg', '/2.jpg', '/3.jpg', '/4.jpg']);
    expect(text).toContain('Photo 5 of 5');
  });

  it('a request file reports its lines, bytes and tokens correctly', async () => {
    const { facts, bytes, text } = await write(await ready('vision', 7), NO_LIMIT);
    expect(facts).toMatchObject({ lines: 7, bytes, splitAt: null });
    expect(lines(text)).toBe(7);
    expect(facts.bytes).toBe(Buffer.byteLength(text));
  });

  it.each([
    [8, null],
    [7, null],
    [6, 6],
    [1, 1],
  ])('a request file of 7 lots that may have %i lines splits at %s', async (most, splitAt) => {
    const lots = await ready('vision', 7);
    const whole = await write(lots, NO_LIMIT);
    const { facts, text } = await write(lots, { ...NO_LIMIT, lines: most });
    expect(facts).toMatchObject({ splitAt, lines: splitAt ?? 7 });
    // Cut between lines, and nothing of the line that did not fit.
    expect(whole.text.startsWith(text) && text.endsWith('\n')).toBe(true);
    expect(lines(text)).toBe(facts.lines);
    expect(Buffer.byteLength(text)).toBe(facts.bytes);
  });

  it.each([
    ['all of its bytes', 0, null],
    ['a byte less', -1, 6],
    ['a byte more', 1, null],
  ])('a request file that may have %s splits in the right place', async (_name, off, splitAt) => {
    const lots = await ready('vision', 7);
    const whole = await write(lots, NO_LIMIT);
    const { facts, text } = await write(lots, { ...NO_LIMIT, bytes: whole.bytes + off });
    expect(facts).toMatchObject({ splitAt, lines: splitAt ?? 7 });
    expect(whole.text.startsWith(text)).toBe(true);
    expect(Buffer.byteLength(text)).toBe(facts.bytes);
  });

  it('a request file does not count the tokens of a line that it leaves out', async () => {
    const lots = await ready('vision', 7);
    const { tokens } = (await write(lots, NO_LIMIT)).facts;
    expect((await write(lots, { tokens })).facts.splitAt).toBeNull();
    const { facts } = await write(lots, { tokens: tokens - 1 });
    expect(facts).toMatchObject({ splitAt: 6, lines: 6, tokens: (tokens / 7) * 6 });
  });

  it('a request file has its first line even if that is over the limit, so that such a lot fails instead of waiting without end', async () => {
    const lots = await ready('vision', 2);
    expect((await write(lots, { tokens: 1, bytes: 1 })).facts).toMatchObject({ lines: 1, splitAt: 1 });
  });

  it('a request file ends at 190 MiB', async () => {
    const lots = await ready('vision', 20_000);
    const { facts, bytes } = await write(lots, NO_LIMIT, false);
    const limit = 190 * 1024 * 1024;
    const longest = bytes / facts.lines + 100;
    expect(facts.splitAt).toBe(facts.lines);
    expect(bytes).toBe(facts.bytes);
    expect(bytes).toBeLessThanOrEqual(limit);
    expect(bytes).toBeGreaterThan(limit - longest);
  });

  it('a request file ends at 50,000 lines', async () => {
    const lots = await ready('translation', 50_001);
    const { facts, bytes } = await write(lots, NO_LIMIT, false);
    expect(facts).toMatchObject({ lines: 50_000, splitAt: 50_000, bytes });
    const { last } = lots;
    expect((await write({ ...lots, last: last - 1 }, NO_LIMIT, false)).facts).toMatchObject({
      lines: 50_000,
      splitAt: null,
    });
  });
});

it('a request file leaves what does not fit to a shard of its own', async () => {
  const file = rig.module.get(RequestFile);
  const real = file.write.bind(file);
  const small = vi
    .spyOn(file, 'write')
    .mockImplementation((lots, languages, limits, facts) => real(lots, languages, { ...limits, lines: 2 }, facts));
  const id = await rig.job({ lots: 5, languages: ['en'] });
  const job = await rig.runToEnd(id);
  small.mockRestore();
  expect(job).toMatchObject({ status: 'completed', processed_lots: 5 });
  expect(await rig.audit(id)).toEqual([]);
  const shards = await rig.db.database.query<{ shard: string }>(
    `select stage || ' ' || first_position || '-' || last_position || ' ' || request_total as shard from openai_batches
     where job_id = $1 order by stage desc, first_position`,
    [id],
  );
  expect(shards.map(({ shard }) => shard)).toEqual(['vision 0-1 2', 'vision 2-3 2', 'vision 4-4 1']);
});
