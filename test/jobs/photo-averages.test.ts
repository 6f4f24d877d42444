import { afterAll, beforeAll, expect, it } from 'vitest';
import { PhotoAveragesStore } from '../../src/jobs/photo-averages-store.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { FakeClock } from '../support/fake-clock.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

const store = (clock = new FakeClock()) => new PhotoAveragesStore(clock, db.database);
const of = (keyId: string, detail = 'high') => ({ keyId, model: 'gpt-5.6-terra', detail });

it('a key has the average of its own photos, for the model and detail that they were counted for', async () => {
  const averages = store();
  averages.count(of('a'), { photos: 3, tokens: 3_000 });
  averages.count(of('a', 'low'), { photos: 1, tokens: 200 });
  averages.count(of('b'), { photos: 1, tokens: 500 });
  await averages.flush();
  const asked = [of('a'), of('a', 'low'), of('b'), of('c')];
  expect(await Promise.all(asked.map((each) => averages.recent(each)))).toEqual([1_000, 200, 500, null]);
});

it('the newest photos of a key count, so that its average follows them', async () => {
  const averages = store();
  averages.count(of('d'), { photos: 1_000_000, tokens: 1_000_000_000 });
  await averages.flush();
  expect(await averages.recent(of('d'))).toBe(1_000);
  averages.count(of('d'), { photos: 2_000, tokens: 4_000_000 });
  await averages.flush();
  expect(await averages.recent(of('d'))).toBeCloseTo(1_500, 6);
});

it('an average that another process wrote is seen after half a minute', async () => {
  const clock = new FakeClock();
  const reader = store(clock);
  const writer = store();
  expect(await reader.recent(of('e'))).toBeNull();
  writer.count(of('e'), { photos: 1, tokens: 700 });
  await writer.flush();
  expect(await reader.recent(of('e'))).toBeNull();
  clock.advance(30_000);
  expect(await reader.recent(of('e'))).toBe(700);
});

it('photos that are counted at the same time are none of them lost', async () => {
  const writers = [store(), store(), store()];
  await Promise.all(
    writers.map(async (writer) => {
      for (let n = 0; n < 10; n++) writer.count(of('f'), { photos: 1, tokens: 100 });
      await writer.flush();
    }),
  );
  await Promise.all(writers.map((writer) => writer.flush()));
  const [row] = await db.database.query('select photos, tokens from photo_averages where key_id = $1', ['f']);
  expect(row).toEqual({ photos: 30, tokens: 3_000 });
});
