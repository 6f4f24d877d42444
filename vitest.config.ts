import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const TESTS = ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'sdk/typescript/test/**/*.test.ts'];

/**
 * Tests that change or measure the process they run in, beyond what setup-file.ts puts back: what tracing registers for
 * good, processes that are counted, a page's globals.
 */
const ALONE = [
  'test/tracing/**',
  'test/process/**',
  'test/sandbox/**',
  'test/database/embedded/**',
  'sdk/typescript/test/**',
];

/** Tests run the sandbox's source, as they run the service's: nothing need be built first. */
const resolve = { alias: { 'openai-sandbox': join(import.meta.dirname, 'packages/openai-sandbox/src/index.ts') } };

const limits = {
  testTimeout: 60_000,
  hookTimeout: 120_000,
  // A poll ends as soon as it holds; its own limit is for what never comes, not for a busy machine.
  expect: { poll: { timeout: 45_000 } },
};

export default defineConfig({
  test: {
    globalSetup: ['test/global-setup.ts'],
    // Two cores: more workers only make the real servers of the tests wait for each other.
    maxWorkers: 2,
    projects: [
      { resolve, test: { ...limits, name: 'alone', include: ALONE.map((folder) => `${folder}/*.test.ts`) } },
      {
        resolve,
        test: {
          ...limits,
          name: 'together',
          include: TESTS,
          exclude: ALONE,
          // Loading the service costs a process 0.8 s of a core, and what it runs first is slow: most files share two processes.
          isolate: false,
          setupFiles: ['test/setup-file.ts'],
        },
      },
    ],
  },
});
