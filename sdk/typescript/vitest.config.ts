import { defineConfig } from 'vitest/config';

/** The tests of this package alone: they need no database, unlike the project's own. */
export default defineConfig({
  test: { include: ['test/**/*.test.ts'], testTimeout: 60_000, maxWorkers: 1 },
});
