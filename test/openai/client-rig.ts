import { Logger } from '@nestjs/common';
import type { AppConfig } from '../../src/config/app-config.js';
import { OpenAiCircuits } from '../../src/openai/circuit-breaker.js';
import { OpenAiError } from '../../src/openai/errors.js';
import { OpenAiClient } from '../../src/openai/openai-client.js';
import { OpenAiTransport } from '../../src/openai/openai-transport.js';
import { FakeClock } from '../support/fake-clock.js';
import { OpenAiStub } from './openai-stub.js';

// These tests cause failures on purpose, and their log lines would hide the one that matters.
Logger.overrideLogger(false);

/** The real client and the real SDK over real HTTP; only the clock and OpenAI are ours. */
export interface ClientRig {
  readonly stub: OpenAiStub;
  readonly clock: FakeClock;
  readonly circuits: OpenAiCircuits;
  readonly client: OpenAiClient;
  readonly config: Pick<AppConfig, 'openai'>;
  /** A deadline `seconds` from now. */
  readonly within: (seconds: number) => { deadlineAt: number };
  stop(): Promise<void>;
}

export interface RigOptions {
  /**
   * Waits up to this long end at once. By default the waits between tries are skipped, but not the timeout of a try.
   */
  readonly skipUpToMs?: number;
  readonly baseDelaySeconds?: number;
  readonly baseUrl?: string;
  readonly tries?: number;
}

export async function startRig(options: RigOptions = {}): Promise<ClientRig> {
  const stub = await OpenAiStub.start();
  const clock = new FakeClock({ skipUpToMs: options.skipUpToMs ?? 100 });
  const { baseUrl = stub.baseUrl, tries = 5, baseDelaySeconds = 0.002 } = options;
  const config = { openai: { ...openAiSettings(baseUrl), retryAttempts: tries, baseDelaySeconds } };
  const circuits = new OpenAiCircuits(clock);
  const transport = new OpenAiTransport(config, clock, circuits);
  const client = new OpenAiClient(config, transport, clock);
  return {
    stub,
    clock,
    circuits,
    client,
    config,
    within: (seconds) => ({ deadlineAt: clock.now() + seconds * 1000 }),
    stop: async () => {
      await transport.onApplicationShutdown();
      await stub.stop();
    },
  };
}

export function openAiSettings(baseUrl: string): AppConfig['openai'] {
  return {
    apiKey: 'sk-test',
    baseUrl,
    headers: {},
    projectId: 'proj_test',
    visionModel: 'gpt-vision',
    visionEffort: 'medium',
    translationModel: 'gpt-translation',
    translationEffort: 'none',
    imageDetail: 'high',
    visionMaxOutputTokens: 16_000,
    translationMaxOutputTokens: 16_000,
    retryAttempts: 5,
    baseDelaySeconds: 2,
    timeoutSeconds: 600,
    prices: {},
  };
}

/** The OpenAiError that `promise` rejects with; anything else fails the test. */
export async function failureOf(promise: Promise<unknown>): Promise<OpenAiError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof OpenAiError) return error;
    throw new Error('rejected with something else than an OpenAiError', { cause: error });
  }
  throw new Error('did not reject');
}
