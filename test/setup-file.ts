import { ConsoleLogger, Logger } from '@nestjs/common';
import { afterAll, vi } from 'vitest';
import { metricsRegistry } from '../src/common/metrics-registry.js';

// Files share a process, one after the other: each finds it as the first one did.
Logger.overrideLogger(new ConsoleLogger());
metricsRegistry.resetMetrics();

afterAll(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});
