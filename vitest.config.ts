import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const TESTS = ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'sdk/typescript/test/**/*.test.ts'];

/**
 * What has a process of its own: tests that start and kill processes and take globals away, so that nothing they leave is found
 * by others, and a test of the figures that a process has from its start.
 */
const ALONE = [
  'test/process/*.test.ts',
  'test/tracing/*.test.ts',
  'test/sandbox/*.test.ts',
  'test/database/embedded/*.test.ts',
  'test/deploy/monitoring.test.ts',
  'sdk/typescript/test/*.test.ts',
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
      { resolve, test: { ...limits, name: 'alone', include: ALONE } },
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
