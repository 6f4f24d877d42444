import { afterAll, beforeAll, expect, it } from 'vitest';
import { PhotoAveragesStore } from '../../src/jobs/photo-averages-store.js';
import { lotOf, TestService } from '../support/service.js';

// Real: the whole service over HTTP, photos and PostgreSQL. Faked: OpenAI, by the sandbox.

let service: TestService;
beforeAll(async () => {
  // Without workers, so that nothing is seen but what the test sends.
  service = await TestService.start({ environment: { ROLE: 'api' } });
});
afterAll(() => service.stop());

it('the second estimate of a key is made with the average of the photos that its first request showed', async () => {
  /** Of a batch with one photo a lot. */
  const estimate = async (keyId: 'acme' | 'beta') => {
    const lots = ['a', 'b'].map(() => lotOf(service.request()));
    const { status, body } = await service.generate(service.request({ lots }), { keyId });
    expect(status).toBe(201);
    return body['estimated_cost_usd'] as number;
  };
  // Nothing was seen of either key: a photo of usual size is expected of both.
  const usual = await estimate('acme');
  expect(await estimate('beta')).toBe(usual);
  const averages = service.app.get(PhotoAveragesStore, { strict: false });
  expect((await service.generate(service.request(), { keyId: 'acme' })).status).toBe(200);
  await averages.flush();
  const [row] = await service.db.database.query<{ photos: number; tokens: number }>(
    `select photos::float8, tokens::float8 from photo_averages where key_id = 'acme'`,
  );
  expect(row?.photos).toBeGreaterThanOrEqual(1);
  expect((row?.tokens ?? 0) / (row?.photos ?? 1)).toBeLessThan(1_100);
  // The car of the tests is a small picture, so its lots cost less than usual ones.
  expect(await estimate('acme')).toBeLessThan(usual);
  expect(await estimate('beta')).toBe(usual);
});
