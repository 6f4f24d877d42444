import { parseBounded } from '../../assessment/answer-bounds.js';
import { usageOf, type TokenUsage } from '../../assessment/response-body.js';
import { classifyFailure } from '../../openai/classify.js';
import type { OpenAiErrorKind } from '../../openai/errors.js';
import { failureOfResponse } from '../../openai/to-openai-error.js';
import { readUpstreamError } from '../../openai/upstream-error.js';
import { parseCustomId } from '../shards/tries.js';

/** What one line of an output or error file says, in one form for all the shapes that such lines have. */
export type BatchLine = { readonly position: number; readonly attempt: number; readonly usage: TokenUsage | null } & (
  | { readonly kind: 'answer'; readonly responseId: string; readonly body: unknown }
  | {
      readonly kind: 'failure';
      readonly failure: OpenAiErrorKind;
      readonly retryable: boolean;
      readonly responseId: string;
    }
);

type Members = Readonly<Record<string, unknown>>;

/**
 * Reads a line.
 * @returns undefined for a line without JSON, without an id of ours or in an unknown shape. It is treated like a line
 *   that never came: the lot is missing at the end and is tried again.
 */
export function readBatchLine(bytes: Buffer): BatchLine | undefined {
  const line = parse(bytes.toString('utf8'));
  const id = parseCustomId(line?.['custom_id']);
  if (line === undefined || id === undefined) return undefined;
  const response = membersOf(line['response']);
  if (response === undefined) {
    const error = membersOf(line['error']);
    return error === undefined ? undefined : failed(id, { error }, undefined, null, '');
  }
  const body = bodyOf(response);
  const status = statusOf(response['status_code']);
  const usage = usageOf(body);
  const billed = usage.input + usage.output > 0 ? usage : null;
  const responseId = idOf(membersOf(body)?.['id']) ?? idOf(response['request_id']) ?? '';
  if (status !== undefined && status >= 400) return failed(id, body, status, billed, responseId);
  const failure = failureOfResponse(body);
  // An answer that is there has been paid for, whatever the status says, unless it is an error's.
  if (failure === undefined) return { ...id, kind: 'answer', usage: billed, responseId, body };
  // This occurs in practice: a status_code of 0 on a line that is counted as completed.
  if (status === undefined || status < 200 || status > 299) return failed(id, body, 500, billed, responseId);
  return { ...id, kind: 'failure', failure: failure.kind, retryable: failure.retryable, usage: billed, responseId };
}

/** The Response object. Some gateways write it as JSON text, or put its members directly into the line's `response`. */
function bodyOf(response: Members): unknown {
  const { body } = response;
  if (typeof body === 'string') return parse(body) ?? body;
  return body === undefined && Array.isArray(response['output']) ? response : body;
}

function statusOf(code: unknown): number | undefined {
  const status = typeof code === 'string' && /^\d{3}$/.test(code) ? Number(code) : code;
  return typeof status === 'number' && Number.isFinite(status) ? status : undefined;
}

function failed(
  id: { position: number; attempt: number },
  body: unknown,
  status: number | undefined,
  usage: TokenUsage | null,
  responseId: string,
): BatchLine {
  const { kind, retryable } = classifyFailure({ status, ...readUpstreamError(body) });
  return { ...id, kind: 'failure', failure: kind, retryable, usage, responseId };
}

function parse(json: string): Members | undefined {
  try {
    return membersOf(parseBounded(json.replace(/^\uFEFF/, '')));
  } catch {
    return undefined;
  }
}

function membersOf(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined;
}

/** The longest id that is kept, in characters. Ids tell answers apart and are kept until their chunk is written. */
const LONGEST_ID = 256;

function idOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, LONGEST_ID) : undefined;
}
