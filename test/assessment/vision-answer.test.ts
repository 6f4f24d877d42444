import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseVisionAnswer } from '../../src/assessment/vision-answer.js';
import { SCHEMA_VERSION } from '../../src/assessment/vision-schema.js';
import { findingReply, reply, responseWith, twoPhotos } from './fixtures.js';

const facts = {
  responseId: 'resp_1',
  model: 'gpt-5.6-terra-2026-06-01',
  usage: { input: 1000, cachedInput: 400, cacheWrite: 0, output: 200, reasoning: 50 },
};
const parse = (body: unknown) => parseVisionAnswer(body, twoPhotos, 'vision-1');

describe('parseVisionAnswer', () => {
  it('reads a raw body, which has no output_text, and keeps model, usage and versions', () => {
    const raw = reply({ findings: [findingReply()] });
    const answer = parse(responseWith(JSON.stringify(raw)));
    expect(answer).toMatchObject({ ...facts, kind: 'assessed', raw });
    expect(answer.kind === 'assessed' && answer.assessment).toMatchObject({
      model: facts.model,
      prompt_version: 'vision-1',
      schema_version: SCHEMA_VERSION,
    });
  });

  it('joins text that comes in several parts', () => {
    const text = JSON.stringify(reply());
    const content = [text.slice(0, 40), text.slice(40)].map((part) => ({ type: 'output_text', text: part }));
    expect(parse(responseWith('', { output: [{ type: 'message', content }] })).kind).toBe('assessed');
  });

  it.each([
    [
      'a refusal',
      { output: [{ type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] }] },
      { kind: 'refused', message: 'No.' },
    ],
    [
      'no room',
      { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
      { kind: 'incomplete', reason: 'max_output_tokens' },
    ],
    [
      'a filter',
      { status: 'incomplete', incomplete_details: { reason: 'content_filter' } },
      { kind: 'incomplete', reason: 'content_filter' },
    ],
    ['no reason', { status: 'incomplete', incomplete_details: null }, { kind: 'incomplete', reason: 'unknown' }],
    [
      'a failure',
      { status: 'failed', error: { code: 'server_error', message: 'Sorry' } },
      { kind: 'failed', code: 'server_error', message: 'Sorry' },
    ],
    [
      'a failure without an error',
      { status: 'failed', error: null },
      { kind: 'failed', code: 'failed', message: 'no message' },
    ],
    [
      'a response that has not ended',
      { status: 'in_progress' },
      { kind: 'invalid', problems: ['$.status: the response has not ended'] },
    ],
    ['no text', { output: [] }, { kind: 'invalid', problems: ['$.output: no text'] }],
  ])('tells %s apart, with what it cost', (_, changes, outcome) => {
    expect(parse(responseWith('{}', changes))).toEqual({ ...facts, ...outcome });
  });

  it.each([
    ['cut JSON', '{"photos":[', '$: not JSON'],
    ['prose', 'The car is fine.', '$: not JSON'],
    ['a list', '[]', '$: not an object'],
    ['a missing member', JSON.stringify({ ...reply(), findings: undefined }), '$.findings: missing'],
    ['an unlisted member', JSON.stringify({ ...reply(), '<b>': 1 }), '$: has a member that the schema does not list'],
    [
      'an unknown type',
      JSON.stringify(reply({ findings: [findingReply({ type: 'explosion' as never })] })),
      '$.findings[0].type: not one of the listed values',
    ],
    [
      'half a photo',
      JSON.stringify(reply({ findings: [findingReply({ photos: [1.5] })] })),
      '$.findings[0].photos[0]: not an integer',
    ],
  ])('refuses %s and says where', (_, text, problem) => {
    const answer = parse(responseWith(text));
    expect(answer).toMatchObject({ kind: 'invalid', ...facts });
    expect(answer.kind === 'invalid' && answer.problems).toContain(problem);
  });

  it('never throws, whatever the body is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.anything().map((output) => responseWith('', { output })),
        ),
        (body) => {
          expect(['invalid', 'failed', 'refused', 'incomplete']).toContain(parse(body).kind);
        },
      ),
    );
  });

  it('reads usage as zeros where it is absent or nonsense', () => {
    expect(parse({ usage: { input_tokens: -3, output_tokens: '7' } }).usage).toEqual({
      input: 0,
      cachedInput: 0,
      cacheWrite: 0,
      output: 0,
      reasoning: 0,
    });
  });
});
