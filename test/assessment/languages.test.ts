import { describe, expect, it } from 'vitest';
import { LANGUAGES, MEANT, SCRIPTS } from '../../src/assessment/language-list.js';
import {
  canonicalTag,
  checkLanguages,
  isEnglish,
  languageName,
  nearestTag,
  scriptOf,
} from '../../src/assessment/languages.js';

describe('the list of languages', () => {
  it('the list of languages has more than a hundred, each canonical, named and in known scripts', () => {
    expect(Object.keys(LANGUAGES).length).toBeGreaterThan(100);
    for (const [code, [name, ...scripts]] of Object.entries(LANGUAGES)) {
      expect(canonicalTag(code)).toBe(code);
      expect(languageName(code)).toMatch(
        code === 'zh' ? /^Chinese \(Simplified Han script\)$/ : new RegExp(`^${name}$`),
      );
      expect(scripts.length).toBeGreaterThan(0);
      for (const script of scripts) {
        expect(SCRIPTS[script]).toBeDefined();
        expect(canonicalTag(`${code}-${script}`)).toBe(`${code}-${script}`);
      }
    }
  });

  it('a language that is not supported is only answered with the suggestion of a supported one', () => {
    for (const [tag, meant] of Object.entries(MEANT)) {
      expect(canonicalTag(tag)).toBeNull();
      expect(canonicalTag(meant)).toBe(meant);
      expect(nearestTag(tag)).toBe(meant);
    }
  });
});

describe('checkLanguages', () => {
  it('checkLanguages gives tags as sent, with their canonical form', () => {
    expect(checkLanguages(['EN', 'pt-br', 'zh-hant', 'sr-Latn', 'es-419', 'iw', 'tl'], 10)).toEqual({
      ok: true,
      languages: [
        { tag: 'EN', canonical: 'en' },
        { tag: 'pt-br', canonical: 'pt-BR' },
        { tag: 'zh-hant', canonical: 'zh-Hant' },
        { tag: 'sr-Latn', canonical: 'sr-Latn' },
        { tag: 'es-419', canonical: 'es-419' },
        { tag: 'iw', canonical: 'he' },
        { tag: 'tl', canonical: 'fil' },
      ],
    });
  });

  it.each([
    [[], 10, { ok: false, problem: 'empty' }],
    [['en', 'ru', 'de'], 2, { ok: false, problem: 'too_many', max: 2, provided: 3 }],
    [['en', 'EN'], 10, { ok: false, problem: 'repeated', repeated: ['EN'] }],
    [['he', 'iw'], 10, { ok: false, problem: 'repeated', repeated: ['iw'] }],
    [['xx', 'XX'], 10, { ok: false, problem: 'repeated', repeated: ['XX'] }],
    [['en', 'ua'], 10, { ok: false, problem: 'unsupported', unsupported: [{ tag: 'ua', suggestion: 'uk' }] }],
  ])('checkLanguages refuses %j of at most %i', (tags, max, outcome) => {
    expect(checkLanguages(tags, max)).toEqual(outcome);
  });

  it('checkLanguages takes a language and the same with a region for two', () => {
    expect(checkLanguages(['en', 'en-US', 'pt', 'pt-BR'], 10).ok).toBe(true);
  });

  it.each([
    '',
    ' ',
    'e',
    'en_US',
    'en-',
    '-en',
    'xx',
    'zz-ZZ',
    'en-XX',
    'ru-Hant',
    'en-u-ca-buddhist',
    'x-klingon',
    'root',
    'und',
    'toString',
    'constructor',
    '../en',
    'en\n',
    '<b>',
  ])('checkLanguages does not support %j', (tag) => {
    expect(canonicalTag(tag)).toBeNull();
    expect(checkLanguages([tag], 10)).toMatchObject({ ok: false, problem: 'unsupported' });
  });
});

describe('nearestTag', () => {
  it.each([
    ['ua', 'uk'],
    ['cn', 'zh'],
    ['jp', 'ja'],
    ['cz', 'cs'],
    ['gr', 'el'],
    ['kr', 'ko'],
    ['dk', 'da'],
    ['se', 'sv'],
    ['english', 'en'],
    ['Russian', 'ru'],
    ['germann', 'de'],
    ['русский', 'ru'],
    ['pt_BR', 'pt-BR'],
    ['en_US.UTF-8', 'en'],
    ['de-XX', 'de'],
    ['ua-UA', 'uk'],
    ['qq', null],
    ['zzzzzzzz', null],
    ['', null],
    ['x'.repeat(1000), null],
  ])('nearestTag of %s is %s', (tag, nearest) => {
    expect(nearestTag(tag)).toBe(nearest);
  });
});

describe('names and scripts', () => {
  it.each([
    ['pt-BR', 'Portuguese (Brazil)', 'Latn'],
    ['sr', 'Serbian', 'Cyrl'],
    ['sr-Latn', 'Serbian (Latin script)', 'Latn'],
    ['zh-TW', 'Chinese (Taiwan, Traditional Han script)', 'Hant'],
    ['zh-CN', 'Chinese (China, Simplified Han script)', 'Hans'],
    ['zh-Hant', 'Chinese (Traditional Han script)', 'Hant'],
    ['es-419', 'Spanish (Latin America)', 'Latn'],
  ])('the name and the script of %s are known', (tag, name, script) => {
    expect(languageName(tag)).toBe(name);
    expect(scriptOf(tag)).toBe(script);
  });

  it('names and scripts of languages refuse a tag that is not supported', () => {
    expect(() => languageName('xx')).toThrow(RangeError);
    expect(scriptOf('xx')).toBeNull();
  });

  it('English is recognized in all its forms', () => {
    expect(['en', 'EN', 'en-GB', 'en-Latn-US'].every(isEnglish)).toBe(true);
    expect(['de', 'eng1', '', 'enm', 'xx'].some(isEnglish)).toBe(false);
  });
});
