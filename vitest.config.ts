import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A poll ends as soon as it holds; its own limit is for what never comes, not for a busy machine.
    expect: { poll: { timeout: 45_000 } },
    // Two cores: more workers only make the real servers of the tests wait for each other.
    maxWorkers: 2,
  },
});
