import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import OpenAI from 'openai';
import { Clock } from '../common/clock.js';
import { inSpan, noteOnSpan } from '../common/spans.js';
import { APP_CONFIG } from '../config/app-config.js';
import type { AppConfig } from '../config/app-config.js';
import { OpenAiCircuits } from './circuit-breaker.js';
import { LONGEST_TIMER_MS, underDeadline } from './deadline.js';
import { OpenAiError } from './errors.js';
import { countRequest, type OpenAiOperation } from './openai-metrics.js';
import { withTidyError } from './read-body.js';
import { requestHeaders, requestIdOf } from './request-headers.js';
import { withRetries, type CallLimits } from './retry.js';
import { SecretStrike } from './secret-strike.js';
import { toOpenAiError } from './to-openai-error.js';
import { createOpenAiAgent, createUndiciFetch } from './undici-fetch.js';

/** Options for the SDK: it never retries and has no time limit of its own, because both are done here. */
interface SdkOptions {
  readonly signal: AbortSignal;
  readonly maxRetries: 0;
  readonly timeout: number;
  readonly headers: Record<string, string>;
}

export interface Operation<T> {
  readonly name: OpenAiOperation;
  /** The path below the base URL; for the log. */
  readonly path: string;
  /** For metrics; omitted where a request has no model. */
  readonly model?: string;
  /** Default: RETRY_ATTEMPTS. 1 for requests that must not be sent twice. */
  readonly maxTries?: number;
  /** Ends a try that hangs while there is time for another; only for short requests. */
  readonly tryTimeoutMs?: number;
  send(client: OpenAI, options: SdkOptions): Promise<Response>;
  /** Reads the whole body, still under deadline and signal. */
  read(response: Response): Promise<T>;
}

export interface CallResult<T> {
  readonly value: T;
  /** OpenAI's `x-request-id`. */
  readonly requestId: string | undefined;
}

/**
 * Sends requests through the SDK: the only place with retries, deadline, circuit breaker, cancelling, headers and
 * metrics.
 */
@Injectable()
export class OpenAiTransport implements OnApplicationShutdown {
  private readonly logger = new Logger(OpenAiTransport.name);
  private readonly agent = createOpenAiAgent();
  private readonly sdk: OpenAI;
  private readonly base: URL;
  readonly secrets: SecretStrike;

  constructor(
    @Inject(APP_CONFIG) private readonly config: Pick<AppConfig, 'openai'>,
    private readonly clock: Clock,
    private readonly circuits: OpenAiCircuits,
  ) {
    const { apiKey, baseUrl, projectId, headers } = config.openai;
    this.base = new URL(baseUrl);
    this.secrets = new SecretStrike([apiKey, ...Object.values(headers)]);
    const fetch = createUndiciFetch(this.agent, this.base.search.slice(1));
    this.sdk = new OpenAI({
      apiKey,
      baseURL: `${this.base.origin}${this.base.pathname.replace(/\/+$/, '')}`,
      defaultHeaders: headers,
      project: projectId === '' ? null : projectId,
      // Null, so that the SDK does not read them from the environment.
      organization: null,
      adminAPIKey: null,
      webhookSecret: null,
      maxRetries: 0,
      // The SDK would write request details to the console.
      logLevel: 'off',
      fetch: async (input, init) => withTidyError(await fetch(input, init)),
    });
  }

  /** @throws OpenAiError only */
  call<T>(operation: Operation<T>, limits: CallLimits): Promise<CallResult<T>> {
    const policy = {
      maxTries: operation.maxTries ?? this.config.openai.retryAttempts,
      baseDelayMs: this.config.openai.baseDelaySeconds * 1000,
    };
    return withRetries(this.clock, policy, limits, (tryNumber) => {
      const { name, model } = operation;
      const facts = { 'openai.operation': name, 'openai.model': model, 'openai.try': tryNumber };
      return inSpan(`openai ${name}`, facts, () => this.try(operation, limits, tryNumber), { kind: 'client' });
    });
  }

  /** Requests that are still running are aborted: by now everything that waits for one has had its grace time. */
  async onApplicationShutdown(): Promise<void> {
    await this.agent.destroy();
  }

  private async try<T>(operation: Operation<T>, limits: CallLimits, tryNumber: number) {
    const startedAt = this.clock.now();
    const deadlineAt = Math.min(limits.deadlineAt, startedAt + (operation.tryTimeoutMs ?? Number.POSITIVE_INFINITY));
    let requestId: string | undefined;
    let value: T | undefined;
    let error: OpenAiError | undefined;
    try {
      const permit = this.circuits.of(operation.name).acquire();
      try {
        value = await underDeadline(this.clock, { deadlineAt, signal: limits.signal }, async (signal) => {
          const headers = requestHeaders();
          const sdkOptions = { signal, headers, maxRetries: 0, timeout: LONGEST_TIMER_MS } as const;
          const response = await operation.send(this.sdk, sdkOptions);
          requestId = requestIdOf(response.headers);
          return operation.read(response);
        });
        permit.succeeded();
      } catch (thrown) {
        error = toOpenAiError(thrown, this.clock.now());
        permit.failed(error.kind);
      }
    } catch (thrown) {
      error = toOpenAiError(thrown, this.clock.now());
    }
    noteOnSpan({
      outcome: error?.kind ?? 'ok',
      'openai.request_id': this.secrets.outOf(error?.requestId ?? requestId),
    });
    countRequest(operation.name, operation.model ?? '', error?.kind ?? 'ok', this.clock.now() - startedAt);
    if (error !== undefined) {
      this.logFailure(operation, tryNumber, error);
      throw error;
    }
    return { value: value as T, requestId };
  }

  private logFailure({ name, model, path }: Operation<unknown>, tryNumber: number, error: OpenAiError): void {
    const { kind, status, code, requestId, retryable } = error;
    // A cancelled call and an open circuit (which has its own log line) are not failures of OpenAI.
    const level = kind === 'aborted' || kind === 'circuit_open' ? 'debug' : 'warn';
    // An error about a lot may quote the client's texts and addresses; one about a model, a file or a batch helps an
    // operator.
    const says = name === 'create_response' ? undefined : error.upstreamMessage;
    this.logger[level]('OpenAI request failed', {
      operation: name,
      model,
      kind,
      status,
      code: this.secrets.outOf(code),
      try: tryNumber,
      retryable,
      host: this.base.host,
      path: this.secrets.outOf(`${this.base.pathname.replace(/\/+$/, '')}${path}`),
      upstream_says: this.secrets.outOf(says),
      openaiRequestId: this.secrets.outOf(requestId),
    });
  }
}
