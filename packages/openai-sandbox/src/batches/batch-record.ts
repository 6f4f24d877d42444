import { ruleFor } from '../faults/fault-book.js';
import type { FaultRule } from '../faults/fault-rules.js';
import { withoutAbsent, type JsonObject } from '../json.js';
import { chance } from '../seeded.js';

export type BatchStatus =
  'validating' | 'failed' | 'in_progress' | 'finalizing' | 'completed' | 'expired' | 'cancelling' | 'cancelled';

export interface BatchProblem {
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
  readonly line: number | null;
}

interface TokenTally {
  input: number;
  cached: number;
  /** Written to the prompt cache; missing in files of older sandboxes. */
  written?: number;
  output: number;
  reasoning: number;
}

/** A batch as it is kept on disk; times in seconds since 1970. */
export interface BatchRecord {
  readonly id: string;
  /** Rises with every batch, because several may be created within a second. */
  readonly sequence: number;
  readonly input_file_id: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly metadata: JsonObject | null;
  /** Seconds that its output lives; null: 30 days. */
  readonly output_life: number | null;
  /** The faults of a batch as a whole, decided when it was created. */
  readonly fate: readonly FaultRule[];
  status: BatchStatus;
  model: string | null;
  problems: BatchProblem[];
  /** Set as soon as the files are complete; shown only after the batch has ended. */
  output_file_id: string | null;
  error_file_id: string | null;
  /** Time of entering a state, by its name: in_progress, finalizing, … */
  entered: Partial<Record<BatchStatus, number>>;
  counts: { total: number; completed: number; failed: number };
  tokens: TokenTally;
  /** Input tokens that it takes of the model's queue. */
  enqueued: number;
}

const TERMINAL: ReadonlySet<BatchStatus> = new Set(['completed', 'failed', 'expired', 'cancelled']);

export function isTerminal(record: BatchRecord): boolean {
  return TERMINAL.has(record.status);
}

/** True while a fault keeps a batch that was just created from being seen. */
export function isHidden(record: BatchRecord, nowSeconds: number): boolean {
  const rule = ruleFor(record.fate, 'batch_hidden');
  return rule !== undefined && nowSeconds < record.created_at + (rule.seconds ?? 60);
}

/** The rule that keeps a batch in this state, if any; there may be one rule for each of several states. */
export function stuckRule(record: BatchRecord, state: BatchStatus): FaultRule | undefined {
  return record.fate.find((rule) => rule.action === 'batch_stuck' && (rule.state ?? 'finalizing') === state);
}

/**
 * The Batch object as OpenAI's document describes it: members without a value are left out. One oddity of real batches
 * is copied: sometimes the error file of a batch without errors is "".
 */
export function batchObject(record: BatchRecord): JsonObject {
  const ended = isTerminal(record);
  const off = ruleFor(record.fate, 'batch_counts_off') === undefined ? 0 : 3;
  const { input, cached, written = 0, output, reasoning } = record.tokens;
  const noErrors = chance(record.id, 'empty') < 0.25 ? '' : undefined;
  return withoutAbsent({
    id: record.id,
    object: 'batch',
    endpoint: '/v1/responses',
    model: record.model ?? undefined,
    errors: record.problems.length === 0 ? undefined : { object: 'list', data: record.problems },
    input_file_id: record.input_file_id,
    completion_window: '24h',
    status: record.status,
    output_file_id: ended ? (record.output_file_id ?? undefined) : undefined,
    error_file_id: ended ? (record.error_file_id ?? noErrors) : undefined,
    created_at: record.created_at,
    in_progress_at: record.entered.in_progress,
    expires_at: record.expires_at,
    finalizing_at: record.entered.finalizing,
    completed_at: record.entered.completed,
    failed_at: record.entered.failed,
    expired_at: record.entered.expired,
    cancelling_at: record.entered.cancelling,
    cancelled_at: record.entered.cancelled,
    request_counts: {
      total: record.counts.total + off,
      completed: record.counts.completed,
      failed: record.counts.failed,
    },
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: reasoning },
      total_tokens: input + output,
    },
    metadata: record.metadata,
  });
}
