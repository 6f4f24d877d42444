import { APIConnectionError } from 'openai';
import { describe, expect, it } from 'vitest';
import { classifyFailure, type UpstreamFailure } from '../../src/openai/classify.js';
import type { OpenAiErrorKind } from '../../src/openai/errors.js';
import { failureOfResponse, toOpenAiError } from '../../src/openai/to-openai-error.js';
import { completed } from './openai-stub.js';

type Case = [UpstreamFailure, OpenAiErrorKind, boolean];

const IMAGE_CODES = [
  'invalid_image',
  'invalid_image_format',
  'invalid_base64_image',
  'invalid_image_url',
  'image_too_large',
  'image_too_small',
  'image_parse_error',
  'image_content_policy_violation',
  'invalid_image_mode',
  'image_file_too_large',
  'unsupported_image_media_type',
  'empty_image_file',
  'failed_to_download_image',
  'image_file_not_found',
];

const QUOTA_CODES = [
  'insufficient_quota',
  'billing_hard_limit_reached',
  'billing_not_active',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
];

const REFUSAL_CODES = [
  'invalid_prompt',
  'content_filter',
  'content_policy_violation',
  'moderation_blocked',
  'ResponsibleAIPolicyViolation',
];

const REFUSAL_TEXTS = [
  'Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again.',
  "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
  'Your request was rejected as a result of our safety system.',
];

const CASES: Case[] = [
  [{ status: 429, code: 'rate_limit_exceeded', message: 'Rate limit reached for gpt-5.6-terra' }, 'rate_limited', true],
  [{ status: 429 }, 'rate_limited', true],
  [{ code: 'rate_limit_exceeded' }, 'rate_limited', true],
  [{ status: 429, message: 'Request too large for gpt-5.6-terra on tokens per min' }, 'context_length', false],
  [{ status: 429, type: 'insufficient_quota', message: 'You exceeded your current quota' }, 'quota', false],
  [{ status: 400, code: 'token_limit_exceeded', message: 'Enqueued token limit reached' }, 'rate_limited', true],
  [{ status: 429, message: 'Enqueued token limit reached for gpt-4.1-mini in organization x' }, 'rate_limited', true],
  [{ status: 500 }, 'server', true],
  [{ status: 503, message: 'failed to download image' }, 'server', true],
  [{ status: 520 }, 'server', true],
  [{ code: 'server_error' }, 'server', true],
  [{ code: 'vector_store_timeout' }, 'server', true],
  [{ code: 'batch_expired' }, 'server', true],
  [{ status: 408 }, 'server', true],
  [{ status: 409 }, 'server', true],
  [{ status: 500, shouldRetry: false }, 'server', false],
  [{ status: 422, shouldRetry: true }, 'rejected', true],
  [{ status: 429, code: 'insufficient_quota', shouldRetry: true }, 'quota', false],
  [
    { status: 400, code: 'invalid_value', param: 'url', message: 'Timeout while downloading https://cdn.test/a.jpg' },
    'image',
    false,
  ],
  [
    { status: 400, code: 'invalid_value', message: 'Error while downloading file. Upstream status: 404' },
    'image',
    false,
  ],
  [{ status: 400, message: 'The image data you provided does not represent a valid image' }, 'image', false],
  [{ status: 400, code: 'invalid_value', message: "Invalid value: 'huge'", param: 'reasoning' }, 'rejected', false],
  [{ status: 400, code: 'context_length_exceeded' }, 'context_length', false],
  [{ status: 400, message: 'Your input exceeds the context window of this model' }, 'context_length', false],
  [{ status: 404, code: 'model_not_found' }, 'model', false],
  [{ status: 403, code: 'model_not_found', message: 'Project does not have access to model x' }, 'model', false],
  [{ status: 404, message: 'The model `o4-mini` does not exist or you do not have access to it' }, 'model', false],
  [{ message: "The provided model 'gpt-5.6-x' is not supported by the Batch API." }, 'model', false],
  [{ status: 400, param: 'model', code: 'invalid_value' }, 'model', false],
  [{ status: 400, message: 'Image inputs are not supported by this model' }, 'model', false],
  [
    {
      status: 400,
      code: 'unsupported_value',
      param: 'reasoning.effort',
      message: "'none' is not supported with this model",
    },
    'rejected',
    false,
  ],
  [{ status: 401, code: 'invalid_api_key' }, 'auth', false],
  [{ status: 403, code: 'unsupported_country_region_territory' }, 'auth', false],
  [{ status: 404, message: 'No batch found' }, 'rejected', false],
  [{ status: 413 }, 'rejected', false],
  [{ status: 501, message: 'Not Implemented' }, 'rejected', false],
  [{ status: 405, message: 'Method Not Allowed' }, 'rejected', false],
  [{}, 'rejected', false],
  ...IMAGE_CODES.map((code): Case => [{ code }, 'image', false]),
  ...IMAGE_CODES.map((code): Case => [{ status: 400, code }, 'image', false]),
  ...REFUSAL_CODES.map((code): Case => [{ code }, 'refused', false]),
  ...REFUSAL_CODES.map((code): Case => [{ status: 400, code }, 'refused', false]),
  ...REFUSAL_TEXTS.map((message): Case => [{ status: 400, code: 'invalid_value', message }, 'refused', false]),
  [{ status: 400, type: 'content_policy_violation' }, 'refused', false],
  [{ status: 503, code: 'overloaded', message: REFUSAL_TEXTS[0] }, 'server', true],
  ...QUOTA_CODES.map((code): Case => [{ status: 429, code }, 'quota', false]),
];

describe('classifyFailure', () => {
  it.each(CASES)('classifyFailure calls %j %s (retryable: %s)', (failure, kind, retryable) => {
    expect(classifyFailure(failure)).toEqual({ kind, retryable });
  });
});

describe('toOpenAiError', () => {
  it('toOpenAiError knows what a broken connection throws when it is not the SDK that noticed', () => {
    const reset = Object.assign(new Error('socket'), { code: 'ECONNRESET' });
    expect(toOpenAiError(new TypeError('terminated'), 0).kind).toBe('connection');
    expect(toOpenAiError(new TypeError('fetch failed', { cause: reset }), 0)).toMatchObject({
      kind: 'connection',
      code: 'ECONNRESET',
    });
    expect(toOpenAiError(new APIConnectionError({ cause: reset }), 0)).toMatchObject({
      kind: 'connection',
      retryable: true,
      notCreated: false,
    });
  });

  it('toOpenAiError takes a SyntaxError for a body that is no JSON', () => {
    expect(toOpenAiError(new SyntaxError('Unexpected token <'), 0)).toMatchObject({
      kind: 'broken_body',
      retryable: true,
    });
  });

  it('toOpenAiError does not repeat a fault of our own, nor blame OpenAI for it', () => {
    expect(toOpenAiError(new TypeError('x is not a function'), 0)).toMatchObject({
      kind: 'rejected',
      retryable: false,
    });
  });
});

describe('failureOfResponse', () => {
  it('failureOfResponse passes what succeeded and what is incomplete', () => {
    expect(failureOfResponse(completed())).toBeUndefined();
    expect(failureOfResponse({ ...completed(), status: 'incomplete' })).toBeUndefined();
  });

  it('failureOfResponse sorts a failed response by its code and keeps the tokens that it cost', () => {
    const usage = { input_tokens: 7 };
    const body = { status: 'failed', output: [], usage, error: { code: 'image_parse_error', message: 'bad' } };
    expect(failureOfResponse(body, 'req_1')).toMatchObject({ kind: 'image', usage, requestId: 'req_1', status: 200 });
    expect(failureOfResponse({ status: 'failed', error: null })).toMatchObject({ kind: 'server', retryable: true });
  });

  it.each([{}, '', { code: null, message: null }])(
    'failureOfResponse takes an error that says nothing (%j) for none',
    (error) => {
      expect(failureOfResponse({ ...completed(), error })).toBeUndefined();
      expect(failureOfResponse({ ...completed(), error, status: 'failed' })).toMatchObject({ kind: 'server' });
    },
  );

  it('failureOfResponse takes an answer without a status, and an error that is a text', () => {
    expect(failureOfResponse({ ...completed(), status: undefined })).toBeUndefined();
    expect(failureOfResponse({ ...completed(), status: null })).toBeUndefined();
    expect(failureOfResponse({ ...completed(), error: 'out of order' })).toMatchObject({
      upstreamMessage: 'out of order',
    });
  });

  it('failureOfResponse tells a safety refusal inside a 200', () => {
    const error = { code: 'invalid_prompt', message: 'flagged' };
    expect(failureOfResponse({ status: 'failed', output: [], error })).toMatchObject({
      kind: 'refused',
      retryable: false,
    });
  });

  it.each([null, [], 'text', {}, { status: 'queued', output: [] }, { status: 'completed' }])(
    'failureOfResponse takes %j for a broken body',
    (body) => {
      expect(failureOfResponse(body)).toMatchObject({ kind: 'broken_body', retryable: true });
    },
  );
});
