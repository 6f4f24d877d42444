import { describe, expect, it, vi } from 'vitest';
import { parseBounded, TooComplexError } from '../../src/assessment/answer-bounds.js';
import { answerValues } from '../../src/assessment/answer-json.js';
import { checkNote } from '../../src/assessment/notes/english-note.js';
import * as modelText from '../../src/assessment/model-text.js';
import { usageOf, readResponse } from '../../src/assessment/response-body.js';
import { parseTranslation } from '../../src/assessment/translation.js';
import { parseVisionAnswer } from '../../src/assessment/vision-answer.js';
import { codesOf } from '../../src/assessment/part-rules.js';
import { PARTS } from '../../src/assessment/taxonomy.js';
import type { VisionReply } from '../../src/assessment/vision-schema.js';
import { findingReply, reply, responseWith, twoPhotos } from './fixtures.js';

describe('parseBounded', () => {
  it.each([
    ['deep', '['.repeat(200_000) + ']'.repeat(200_000)],
    ['deep objects', '{"a":'.repeat(65) + '1' + '}'.repeat(65)],
    ['many empty lists', `[${'[],'.repeat(200_000)}0]`],
    ['many numbers', `[${'1,'.repeat(200_001)}0]`],
  ])('parses nothing that is %s', (_, json) => {
    const parse = vi.spyOn(JSON, 'parse');
    expect(() => parseBounded(json)).toThrow(TooComplexError);
    expect(parse).not.toHaveBeenCalled();
    parse.mockRestore();
  });

  it('counts what is in strings as text', () => {
    const text = '[],{"'.repeat(300_000);
    expect(parseBounded(JSON.stringify({ text }))).toEqual({ text });
    expect(parseBounded('{"a":["\\\\","\\"[[["]}')).toEqual({ a: ['\\', '"[[['] });
    expect(() => parseBounded('{"a":"[[[')).toThrow(SyntaxError);
  });

  it('looks at the last eight objects of a text and no more', () => {
    expect([...answerValues(['no JSON: ' + '{"a":1} '.repeat(1000)])]).toHaveLength(8);
    expect([...answerValues([`[${'{},'.repeat(1000)}{}]`])]).toHaveLength(1 + 8);
  });
});

describe('an answer of too much', () => {
  const parse = (raw: VisionReply, photos = twoPhotos) =>
    parseVisionAnswer(responseWith(JSON.stringify(raw)), photos, 'vision-1');
  const many = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

  it.each<[string, Partial<VisionReply>]>([
    ['$.findings: more than 500 rows', { findings: many(501, findingReply()) }],
    ['$.readings: more than 500 rows', { readings: many(501, { kind: 'vin', photo: 1, value: 'x' }) }],
    ['$.ignored: more than 2000 rows', { ignored: many(2001, { photo: 1, kind: 'reflection' }) }],
    ['$.not_visible: more than 500 rows', { not_visible: many(501, 'front') }],
    [
      '$.photos: more than 4000 rows',
      { photos: many(4001, { number: 1, view: 'left', hidden_parts: [], also_visible: [], issues: [] }) },
    ],
    ['$: names more parts and photos than there are', { findings: many(400, findingReply({ photos: many(300, 1) })) }],
    [
      '$: names more parts and photos than there are',
      { photos: many(300, { number: 1, view: 'left', hidden_parts: [], also_visible: many(400, 'door'), issues: [] }) },
    ],
  ])('is %s', (problem, changes) => {
    expect(parse(reply(changes))).toMatchObject({ kind: 'invalid', problems: [problem] });
  });

  it('may not repeat long addresses without end', () => {
    const photos = Array.from({ length: 100 }, (_, index) => ({
      number: index + 1,
      url: `https://cdn.test/${'x'.repeat(4000)}`,
    }));
    const numbers = photos.map(({ number }) => number);
    expect(parse(reply({ findings: many(30, findingReply({ photos: numbers })) }), photos)).toMatchObject({
      kind: 'invalid',
      problems: ['$: cites more photos than can be stored'],
    });
    expect(parse(reply({ findings: many(10, findingReply({ photos: numbers })) }), photos).kind).toBe('assessed');
  });

  it('takes what a wreck in a hundred photos may honestly bring', () => {
    const photos = Array.from({ length: 100 }, (_, index) => ({
      number: index + 1,
      url: `https://cdn.test/${index}.jpg`,
    }));
    const raw = reply({
      photos: photos.map(({ number }) => ({
        number,
        view: 'left' as const,
        hidden_parts: [],
        also_visible: codesOf(PARTS),
        issues: [],
      })),
      findings: codesOf(PARTS).flatMap((part) =>
        many(4, findingReply({ part, photos: photos.map(({ number }) => number) })),
      ),
    });
    expect(parse(raw, photos).kind).toBe('assessed');
  });

  it('does not look into a text that is too long for its place', () => {
    const look = vi.spyOn(String.prototype, 'normalize');
    expect(checkNote('a'.repeat(1_000_000), 'dent')).toEqual({ note: null, reasons: ['suspicious_text'] });
    const strings = { de: { s1: 'b'.repeat(20_000) } };
    const answer = parseTranslation(responseWith(JSON.stringify(strings)), 1, ['de']);
    expect(answer.kind === 'translated' && answer.languages.get('de')).toEqual(['b'.repeat(20_000)]);
    const raw = reply({ readings: [{ kind: 'vin', photo: 1, value: '1'.repeat(1_000_000) }] });
    expect(parse(raw)).toMatchObject({ kind: 'assessed', assessment: { readings: { vin: null } } });
    expect(look.mock.contexts.filter((text) => String(text).length > 10_000)).toEqual([]);
    look.mockRestore();
  });

  it('judges the length of a text before what takes its square', () => {
    const pattern = vi.spyOn(RegExp.prototype, 'test');
    expect(modelText.textProblem('a'.repeat(401))).toBe('length');
    expect(pattern).not.toHaveBeenCalled();
    pattern.mockRestore();
  });

  it('keeps ids, models and counts within what is stored', () => {
    const body = responseWith('{}', { id: `resp\u0000\u001b${'x'.repeat(5000)}`, model: 'm'.repeat(5000) });
    const { responseId, model } = readResponse(body);
    expect([responseId?.length, model?.length]).toEqual([254, 256]);
    expect(responseId).not.toMatch(/\p{Cc}/u);
    expect(readResponse(responseWith('{}', { id: '\u0000', model: 7 }))).toMatchObject({
      responseId: null,
      model: null,
    });
    expect(usageOf({ usage: { input_tokens: Number.MAX_SAFE_INTEGER, output_tokens: 1e300 } })).toMatchObject({
      input: 0,
      output: 0,
    });
  });
});
