import { isObject, type JsonObject } from '../json.js';
import { newObjectId } from '../seeded.js';
import type { ResponseRequest } from './response-request.js';
import type { CacheUse } from './token-estimate.js';

/** In the metadata of every response, so that nobody takes one for a model's, wherever it is stored. */
const SIMULATED = { simulated: 'true' };

/** What the model gave back, before it is put into a Response object. */
export interface ModelAnswer {
  /** null: no message at all. */
  readonly text: string | null;
  readonly refusal?: string;
  readonly status: 'completed' | 'incomplete' | 'failed';
  /** max_output_tokens or content_filter. */
  readonly incompleteReason?: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly reasoningTokens: number;
  readonly textTokens: number;
}

/** Input tokens, and what of them the prompt cache gave or took. */
interface InputUse extends CacheUse {
  readonly tokens: number;
}

/** Token counts as POST /v1/responses reports them. */
export interface Usage extends JsonObject {
  readonly input_tokens: number;
  readonly input_tokens_details: { readonly cached_tokens: number; readonly cache_write_tokens: number };
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly reasoning_tokens: number };
  readonly total_tokens: number;
}

/** The Response object with everything the real one echoes; it has no `output_text`, which is the SDK's own. */
export function responseObject(
  request: ResponseRequest,
  answer: ModelAnswer,
  input: InputUse,
  createdAt: number,
): JsonObject & { readonly usage: Usage | null } {
  const { body, model } = request;
  const failed = answer.status === 'failed';
  return {
    id: newObjectId('resp_', 24),
    object: 'response',
    created_at: createdAt,
    status: answer.status,
    background: false,
    error: answer.error ?? null,
    incomplete_details: answer.incompleteReason === undefined ? null : { reason: answer.incompleteReason },
    instructions: body['instructions'] ?? null,
    max_output_tokens: body['max_output_tokens'] ?? null,
    max_tool_calls: null,
    model: model.snapshot,
    output: failed ? [] : outputItems(request, answer),
    parallel_tool_calls: true,
    previous_response_id: null,
    prompt_cache_key: body['prompt_cache_key'] ?? null,
    reasoning: { effort: request.effort, summary: null },
    safety_identifier: body['safety_identifier'] ?? null,
    service_tier: 'default',
    store: body['store'] ?? true,
    temperature: body['temperature'] ?? 1,
    text: body['text'] ?? { format: { type: 'text' }, verbosity: 'medium' },
    tool_choice: 'auto',
    tools: [],
    top_logprobs: 0,
    top_p: body['top_p'] ?? 1,
    truncation: 'disabled',
    usage: failed ? null : usageOf(answer, input),
    ...(typeof body['user'] === 'string' ? { user: body['user'] } : {}),
    metadata: { ...(isObject(body['metadata']) ? body['metadata'] : {}), ...SIMULATED },
  };
}

function outputItems(request: ResponseRequest, answer: ModelAnswer): JsonObject[] {
  const items: JsonObject[] = [];
  if (request.model.efforts.length > 0 && request.effort !== 'none') {
    items.push({ id: newObjectId('rs_', 24), type: 'reasoning', summary: [] });
  }
  if (answer.refusal !== undefined) {
    items.push(message('completed', { type: 'refusal', refusal: answer.refusal }));
  } else if (answer.text !== null) {
    const part = { type: 'output_text', annotations: [], logprobs: [], text: answer.text };
    items.push(message(answer.status === 'incomplete' ? 'incomplete' : 'completed', part));
  }
  return items;
}

function message(status: string, part: JsonObject): JsonObject {
  return { id: newObjectId('msg_', 24), type: 'message', status, content: [part], role: 'assistant' };
}

function usageOf(answer: ModelAnswer, input: InputUse): Usage {
  const output = answer.reasoningTokens + answer.textTokens;
  return {
    input_tokens: input.tokens,
    input_tokens_details: { cached_tokens: Math.min(input.cached, input.tokens), cache_write_tokens: input.written },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: answer.reasoningTokens },
    total_tokens: input.tokens + output,
  };
}
