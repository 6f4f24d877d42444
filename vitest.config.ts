import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Tests run the sandbox's source, as they run the service's: nothing need be built first.
  resolve: { alias: { 'openai-sandbox': join(import.meta.dirname, 'packages/openai-sandbox/src/index.ts') } },
  test: {
    include: ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'sdk/typescript/test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A poll ends as soon as it holds; its own limit is for what never comes, not for a busy machine.
    expect: { poll: { timeout: 45_000 } },
    // Two cores: more workers only make the real servers of the tests wait for each other.
    maxWorkers: 2,
  },
});
