import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schemaProblems } from '../../src/assessment/json-schema.js';
import {
  buildTranslationRequest,
  parseTranslation,
  translationRequestParts,
  translationSchema,
} from '../../src/assessment/translation.js';
import { keepsNumbers } from '../../src/assessment/translation-checks.js';
import { responseWith, translationSettings } from './fixtures.js';
import { propertyRuns } from '../support/property-runs.js';

const english = ['Left front door: dent, moderate. Photos 2, 13.', 'Odometer reading: 98,765 km. Photo 4.'];
const russian = ['Левая передняя дверь: вмятина, средняя. Фото 2, 13.', 'Показание одометра: 98 765 км. Фото 4.'];

const keyed = (strings: readonly string[]) => Object.fromEntries(strings.map((text, index) => [`s${index + 1}`, text]));
const parse = (answer: unknown, languages = ['ru'], strings: readonly string[] = english) =>
  parseTranslation(responseWith(JSON.stringify(answer)), strings, languages);
const outcomeOf = (strings: readonly string[], language = 'ru', sources: readonly string[] = english) => {
  const answer = parse({ [language]: keyed(strings) }, [language], sources);
  return answer.kind === 'translated' ? answer.languages.get(language) : undefined;
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
  it('parseTranslation accepts a correct translation', () => {
    expect(parse({ ru: keyed(russian) })).toEqual({
      kind: 'translated',
      responseId: 'resp_1',
      model: 'gpt-5.6-terra-2026-06-01',
      usage: { input: 1000, cachedInput: 400, cacheWrite: 0, output: 200, reasoning: 50 },
      languages: new Map([['ru', { ok: true, strings: russian }]]),
    });
  });

  it('parseTranslation judges each language alone', () => {
    const answer = parse({ ru: keyed(russian), de: keyed(english), fr: { s1: 'un' } }, ['ru', 'de', 'fr', 'it']);
    expect(
      answer.kind === 'translated' && [...answer.languages].map(([tag, said]) => [tag, said.ok || said.reason]),
    ).toEqual([
      ['ru', true],
      ['de', 'not_translated'],
      ['fr', 'missing'],
      ['it', 'missing'],
    ]);
  });

  it.each([
    ['a string too few', [russian[0]!], 'missing'],
    ['a string too many', [...russian, 'ещё'], 'missing'],
    ['an empty string', [russian[0]!, ' \u200B'], 'empty_string'],
    ['another number', [russian[0]!.replace('13', '12'), russian[1]!], 'number_changed'],
    ['a number left out', [russian[0]!.replace(', 13', ''), russian[1]!], 'number_changed'],
    ['a number made up', [`${russian[0]!} 2021`, russian[1]!], 'number_changed'],
    ['markup', [`<b>${russian[0]!}</b>`, russian[1]!], 'markup_added'],
    ['a link', [`${russian[0]!} https://evil.test`, russian[1]!], 'markup_added'],
    ['a markdown link', [`[фото](/x) ${russian[0]!}`, russian[1]!], 'markup_added'],
    ['the English again', english, 'not_translated'],
    [
      'another script',
      ['Levaya dver: vmyatina, srednyaya. Foto 2, 13.', 'Pokazanie: 98 765 km. Foto 4.'],
      'wrong_script',
    ],
    ['an essay', [`${russian[0]!} ${'очень '.repeat(60)}`, russian[1]!], 'length'],
    [
      'a stub',
      ['2, 13', russian[1]!],
      'length',
      ['Left front door has a dent that is moderate and lies below the handle. Photos 2, 13.', english[1]!],
    ],
  ] as [string, string[], string, string[]?][])('parseTranslation refuses %s', (_, strings, reason, sources) => {
    expect(outcomeOf(strings, 'ru', sources)).toEqual({ ok: false, reason });
  });

  it('parseTranslation accepts identifiers only unchanged', () => {
    const source = ['VIN 1M8GDM9AXKP042788 and R18 rims'];
    expect(outcomeOf(['Номер 1M8GDM9AXKP042788 и диски R18'], 'ru', source)).toMatchObject({ ok: true });
    expect(outcomeOf(['Номер 1М8GDM9AXKP042788 и диски R18'], 'ru', source)).toEqual({
      ok: false,
      reason: 'identifier_changed',
    });
  });

  it.each([
    ['ar', ['الباب الأمامي الأيسر: انبعاج متوسط. الصور ٢، ١٣.', 'قراءة العداد: ٩٨٬٧٦٥ كم. الصورة ٤.']],
    ['zh-Hant', ['左前門：凹陷，中度。照片 2、13。', '里程表讀數：98,765 公里。照片 4。']],
    ['ja', ['左フロントドア：へこみ、中程度。写真2、13。', '走行距離計：98,765 km。写真4。']],
    ['de', ['Linke Vordertür: Delle, mittel. Fotos 2, 13.', 'Kilometerstand: 98.765 km. Foto 4.']],
    ['hi', ['बायाँ अगला दरवाज़ा: डेंट, मध्यम। फ़ोटो २, १३।', 'ओडोमीटर: ९८,७६५ किमी। फ़ोटो ४।']],
    [
      'sr-Latn',
      ['Leva prednja vrata: udubljenje, umereno. Fotografije 2, 13.', 'Kilometraža: 98.765 km. Fotografija 4.'],
    ],
  ])('parseTranslation accepts the digits and the script of %s', (language, strings) => {
    expect(outcomeOf(strings, language)).toEqual({ ok: true, strings });
  });

  it('parseTranslation refuses Serbian in Cyrillic where Latin was asked for', () => {
    expect(
      outcomeOf(['Лева предња врата: удубљење. Фото 2, 13.', 'Километража: 98.765 км. Фото 4.'], 'sr-Latn'),
    ).toEqual({
      ok: false,
      reason: 'wrong_script',
    });
  });

  it('parseTranslation removes invisible characters', () => {
    const outcome = outcomeOf([`\u202E${russian[0]!}\u0007`, russian[1]!]);
    expect(outcome).toEqual({ ok: true, strings: russian });
  });

  it('parseTranslation says why there is no text at all', () => {
    expect(parseTranslation(responseWith('', { status: 'incomplete' }), english, ['ru']).kind).toBe('incomplete');
    expect(parseTranslation(responseWith('nonsense'), english, ['ru']).kind).toBe('invalid');
    expect(parseTranslation(responseWith('[]'), english, ['ru']).kind).toBe('invalid');
    expect(parseTranslation(null, english, ['ru']).kind).toBe('invalid');
  });

  it('parseTranslation gives as many strings as were sent, or none, whatever the model wrote', () => {
    const strings = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1, maxLength: 5 });
    const said = fc.dictionary(fc.constantFrom('s1', 's2', 's3', 'x'), fc.oneof(fc.string(), fc.anything()));
    fc.assert(
      fc.property(strings, said, (sources, object) => {
        const answer = parseTranslation(responseWith(JSON.stringify({ de: object })), sources, ['de']);
        const language = answer.kind === 'translated' ? answer.languages.get('de') : undefined;
        expect(language).toBeDefined();
        expect(language?.ok !== true || language.strings.length === sources.length).toBe(true);
      }),
    );
  });

  it('the schema of translations accepts what its keys ask for', () => {
    const schema = translationSchema(2, ['ru', 'de']);
    expect(schemaProblems({ ru: keyed(russian), de: keyed(russian) }, schema)).toEqual([]);
    expect(schemaProblems({ ru: keyed(russian), de: { s1: 'x' } }, schema)).toEqual(['$.de.s2: missing']);
  });
});

describe('keepsNumbers', () => {
  it.each([
    ['1, 200', '1、200', true],
    ['photos 1, 200', 'Fotos 1,200', true],
    ['98,765', '98765', true],
    ['98,765', '98\u00A0765', true],
    ['98,765', '98.756', false],
    ['2 and 2', '2', false],
    ['both doors', '2 doors', true],
    ['both doors', '22 doors', false],
    ['photo 5', 'รูปที่ ๕', true],
    ['photo 5', 'ဓာတ်ပုံ ၅', true],
    ['photo 5', 'photo five', false],
  ])('keepsNumbers of %s and %s is %s', (source, target, kept) => {
    expect(keepsNumbers(source, target)).toBe(kept);
  });
});
