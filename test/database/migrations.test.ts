import { afterAll, expect, it } from 'vitest';
import { createTestDatabase } from '../support/database.js';
const db = await createTestDatabase();
afterAll(() => db.drop());
it('x', async () => {
  expect(
    await db.database.query("select relname from pg_class where relkind='r' and relnamespace='public'::regnamespace"),
  ).toHaveLength(13);
});
