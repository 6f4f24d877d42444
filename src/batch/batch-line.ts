import { usageOf, type TokenUsage } from '../assessment/response-body.js';
import { classifyFailure } from '../openai/classify.js';
import type { OpenAiErrorKind } from '../openai/errors.js';
import { failureOfResponse } from '../openai/to-openai-error.js';
import { parseCustomId } from './attempts.js';

/** What one line of an output or error file says, whichever of its shapes it has. */
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
 * Reads a line. Undefined for what cannot be told apart from a line that never came: no JSON, no id of ours, no shape of
 * OpenAI's; the lot is then missing at the end and tried again.
 */
export function readBatchLine(bytes: Buffer): BatchLine | undefined {
  const line = parse(bytes);
  const id = parseCustomId(line?.['custom_id']);
  if (line === undefined || id === undefined) return undefined;
  const response = membersOf(line['response']);
  if (response === undefined) {
    const error = membersOf(line['error']);
    return error === undefined ? undefined : failed(id, error, undefined, null, '');
  }
  const body = response['body'];
  const status = response['status_code'];
  const usage = usageOf(body);
  const billed = usage.input + usage.output > 0 ? usage : null;
  const responseId = textOf(membersOf(body)?.['id']) ?? textOf(response['request_id']) ?? '';
  if (status !== 200) {
    // Seen in the wild: a status_code of 0 on a line that is counted as completed.
    const code = typeof status === 'number' && status >= 400 ? status : 500;
    return failed(id, membersOf(membersOf(body)?.['error']) ?? {}, code, billed, responseId);
  }
  const failure = failureOfResponse(body);
  if (failure === undefined) return { ...id, kind: 'answer', usage: billed, responseId, body };
  return { ...id, kind: 'failure', failure: failure.kind, retryable: failure.retryable, usage: billed, responseId };
}

function failed(
  id: { position: number; attempt: number },
  error: Members,
  status: number | undefined,
  usage: TokenUsage | null,
  responseId: string,
): BatchLine {
  const { kind, retryable } = classifyFailure({
    status,
    code: textOf(error['code']),
    type: textOf(error['type']),
    param: textOf(error['param']),
    message: textOf(error['message']),
  });
  return { ...id, kind: 'failure', failure: kind, retryable, usage, responseId };
}

function parse(bytes: Buffer): Members | undefined {
  try {
    return membersOf(JSON.parse(bytes.toString('utf8').replace(/^\uFEFF/, '')));
  } catch {
    return undefined;
  }
}

function membersOf(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
