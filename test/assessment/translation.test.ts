import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schemaProblems } from '../../src/assessment/json-schema.js';
import {
  buildTranslationRequest,
  parseTranslation,
  translationRequestParts,
  translationSchema,
} from '../../src/assessment/translation.js';
import { responseWith, translationSettings } from './fixtures.js';
import { propertyRuns } from '../support/property-runs.js';

const english = ['A pale line in the paint.', 'The paint lifts in flakes.'];
const russian = ['Светлая линия на краске.', 'Краска поднимается чешуйками.'];

const keyed = (strings: readonly string[]) => Object.fromEntries(strings.map((text, index) => [`s${index + 1}`, text]));
const parse = (answer: unknown, languages = ['ru']) =>
  parseTranslation(responseWith(JSON.stringify(answer)), english.length, languages);
const said = (answer: unknown, languages = ['ru']) => {
  const parsed = parse(answer, languages);
  return parsed.kind === 'translated' ? [...parsed.languages] : parsed.kind;
};

describe('buildTranslationRequest', () => {
  it('a translation request asks for every string in every language under its key, by a strict schema', () => {
    const request = buildTranslationRequest(english, ['ru', 'pt-br'], translationSettings);
    expect(request.text.format).toMatchObject({ type: 'json_schema', strict: true });
    expect(request.text.format.schema).toEqual({
      type: 'object',
      properties: { ru: { $ref: '#/$defs/strings' }, 'pt-br': { $ref: '#/$defs/strings' } },
      required: ['ru', 'pt-br'],
      additionalProperties: false,
      $defs: {
        strings: {
          type: 'object',
          properties: { s1: { type: 'string' }, s2: { type: 'string' } },
          required: ['s1', 's2'],
          additionalProperties: false,
        },
      },
    });
    expect(JSON.parse(request.input[0].content[0].text)).toEqual({
      translate_into: { ru: 'Russian', 'pt-br': 'Portuguese (Brazil)' },
      strings: keyed(english),
    });
    expect(request).toMatchObject({ store: false, reasoning: { effort: 'none' } });
    expect(request).not.toHaveProperty('temperature');
  });

  it('a translation request gives many languages of a long text the room that they need', () => {
    const long = Array.from({ length: 40 }, () => 'x'.repeat(200));
    expect(buildTranslationRequest(english, ['ru'], translationSettings).max_output_tokens).toBe(2_000);
    expect(buildTranslationRequest(long, ['ru', 'de', 'fr'], translationSettings).max_output_tokens).toBeGreaterThan(
      20_000,
    );
  });

  it('a translation request made from its parts is byte for byte the same', () => {
    const languages = ['ru', 'zh-Hant'];
    const parts = translationRequestParts(languages, translationSettings);
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 8 }), (strings) => {
        const bytes = Buffer.concat([parts.prefix(strings.length), Buffer.from(parts.middle(strings)), parts.suffix]);
        const whole = Buffer.from(JSON.stringify(buildTranslationRequest(strings, languages, translationSettings)));
        expect(bytes.equals(whole)).toBe(true);
      }),
      propertyRuns(),
    );
  });
});

describe('parseTranslation', () => {
  it('gives the strings as the model wrote them', () => {
    expect(parse({ ru: keyed(russian) })).toEqual({
      kind: 'translated',
      responseId: 'resp_1',
      model: 'gpt-5.6-terra-2026-06-01',
      usage: { input: 1000, cachedInput: 400, cacheWrite: 0, output: 200, reasoning: 50 },
      languages: new Map([['ru', russian]]),
    });
  });

  it('takes each language by itself, and none of which a string is missing', () => {
    const answer = {
      ru: keyed(russian),
      de: keyed(english),
      fr: { s1: 'un' },
      es: keyed([...english, 'x']),
      pl: { s1: 'a', s2: 7 },
    };
    expect(said(answer, ['ru', 'de', 'fr', 'it', 'es', 'pl', 'toString'])).toEqual([
      ['ru', russian],
      ['de', english],
    ]);
  });

  it('passes on why there is no text at all', () => {
    const kinds = [responseWith('', { status: 'incomplete' }), responseWith('nonsense'), responseWith('[]'), null].map(
      (body) => parseTranslation(body, 2, ['ru']).kind,
    );
    expect(kinds).toEqual(['incomplete', 'invalid', 'invalid', 'invalid']);
  });

  it('gives as many strings out as went in, or none, whatever the model says', () => {
    const object = fc.dictionary(fc.constantFrom('s1', 's2', 's3', 'x'), fc.oneof(fc.string(), fc.anything()));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), object, (count, value) => {
        const answer = parseTranslation(responseWith(JSON.stringify({ de: value })), count, ['de']);
        const language = answer.kind === 'translated' ? answer.languages.get('de') : undefined;
        expect(language === undefined || language.length === count).toBe(true);
      }),
    );
  });

  it('the schema of translations accepts what its keys ask for', () => {
    const schema = translationSchema(2, ['ru', 'de']);
    expect(schemaProblems({ ru: keyed(russian), de: keyed(russian) }, schema)).toEqual([]);
    expect(schemaProblems({ ru: keyed(russian), de: { s1: 'x' } }, schema)).toEqual(['$.de.s2: missing']);
  });
});
