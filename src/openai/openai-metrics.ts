import { Counter, Histogram } from 'prom-client';
import { metricsRegistry } from '../common/metrics-registry.js';
import type { OpenAiErrorKind } from './errors.js';
import { isRecord, numberOf } from './json-values.js';

/** The kinds of requests of this room, as metrics and log lines name them. */
export type OpenAiOperation =
  | 'create_response'
  | 'upload_file'
  | 'list_files'
  | 'delete_file'
  | 'file_content'
  | 'create_batch'
  | 'retrieve_batch'
  | 'cancel_batch'
  | 'list_batches'
  | 'retrieve_model';

const requests = new Counter({
  name: 'openai_requests_total',
  help: 'Requests to OpenAI, each try counted, by operation, model and outcome (ok or the kind of error)',
  labelNames: ['operation', 'model', 'outcome'],
  registers: [metricsRegistry],
});

const tokens = new Counter({
  name: 'openai_tokens_total',
  help: 'Tokens that OpenAI reported; cached is part of input and reasoning of output',
  labelNames: ['model', 'kind'],
  registers: [metricsRegistry],
});

const duration = new Histogram({
  name: 'openai_request_duration_seconds',
  help: 'Time from sending a request to OpenAI to the last byte of its answer (file_content: to its headers)',
  labelNames: ['operation', 'model'],
  buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 300],
  registers: [metricsRegistry],
});

/** @param model - '' for operations without one */
export function countRequest(
  operation: OpenAiOperation,
  model: string,
  outcome: 'ok' | OpenAiErrorKind,
  durationMs: number,
): void {
  requests.inc({ operation, model, outcome });
  // A request that was never sent would distort the distribution.
  if (outcome !== 'circuit_open') duration.observe({ operation, model }, durationMs / 1000);
}

/**
 * Counts a `usage` member as the Responses API writes it; anything else counts nothing. The lines of a batch's output
 * are counted where they are taken in.
 */
export function countTokens(model: string, usage: unknown): void {
  if (!isRecord(usage)) return;
  const input = isRecord(usage['input_tokens_details']) ? usage['input_tokens_details'] : {};
  const output = isRecord(usage['output_tokens_details']) ? usage['output_tokens_details'] : {};
  const counts = {
    input: usage['input_tokens'],
    cached: input['cached_tokens'],
    cache_write: input['cache_write_tokens'] ?? usage['cache_write_tokens'],
    output: usage['output_tokens'],
    reasoning: output['reasoning_tokens'],
  };
  for (const [kind, value] of Object.entries(counts)) {
    const count = numberOf(value);
    if (count !== undefined && count > 0) tokens.inc({ model, kind }, count);
  }
}
