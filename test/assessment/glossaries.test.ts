import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { audit } from '../../src/assessment/audit/audit.js';
import { codesOf } from '../../src/assessment/part-rules.js';
import { PARTS } from '../../src/assessment/taxonomy.js';
import { Glossaries } from '../../src/assessment/text/glossaries.js';
import { glossaryProblems, WRITTEN_PLACES } from '../../src/assessment/text/glossary-checks.js';
import { entriesOf, ENTRY_RULES } from '../../src/assessment/text/glossary-entries.js';
import {
  fingerprintOf,
  GlossaryError,
  parseGlossary,
  type KnownGlossary,
} from '../../src/assessment/text/glossary-file.js';
import { forRegion, glossaryTagOf } from '../../src/assessment/text/glossary-tags.js';
import { placeText } from '../../src/assessment/text/place.js';
import { renderText } from '../../src/assessment/text/render.js';

const folder = join(import.meta.dirname, '..', '..', 'glossaries');
const files = new Map(
  readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => [name.replace(/\.json$/, ''), readFileSync(join(folder, name), 'utf8')]),
);
const englishText = files.get('en') as string;
const english = parseGlossary(englishText, 'en').glossary;
const germanText = files.get('de') as string;

type Changes = Readonly<Record<string, unknown>>;

/** The words of the German file with changes: what stands at a path (`types.dent`), or undefined to take it away. */
function german(changes: Changes): unknown {
  const { as_in_english: _, standing: __, ...glossary } = JSON.parse(germanText) as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('.');
    const last = keys.pop() as string;
    const parent = keys.reduce(
      (inner, key) => inner[key] as Record<string, unknown>,
      glossary as Record<string, unknown>,
    );
    if (value === undefined) delete parent[last];
    else parent[last] = value;
  }
  return glossary;
}

const problemsOf = (changes: Changes): readonly string[] =>
  glossaryProblems(german(changes), { english, asInEnglish: ['areas.front'] });

describe.each([...files.keys()])('the glossary %s', (tag) => {
  it('passes every check', () => {
    expect(parseGlossary(files.get(tag) as string, tag, english).glossary.tag).toBe(tag);
  });

  it('calls itself no more than it is', () => {
    const text = files.get(tag) as string;
    const file = JSON.parse(text) as { standing?: { state: string } };
    expect(parseGlossary(text, tag, english).state).toBe(file.standing?.state ?? 'machine');
    if (file.standing?.state === 'checked') expect(notTranslatedTwice(tag, file)).toEqual([]);
  });
});

/** The entries that `second/<tag>.json` does not hold; marks and patterns are no words that could be compared. */
function notTranslatedTwice(tag: string, glossary: unknown): readonly string[] {
  const second = JSON.parse(readFileSync(join(folder, 'second', `${tag}.json`), 'utf8')) as Record<string, string>;
  const words = entriesOf(glossary).filter(({ rule }) => ['term', 'forms', 'sentence'].includes(rule.kind));
  return words.map(({ name }) => name).filter((name) => !second[name]);
}

describe('glossaryProblems', () => {
  it('finds nothing in German', () => expect(problemsOf({})).toEqual([]));

  it.each<[string, Changes, string]>([
    ['a missing part', { 'parts.door': undefined }, 'parts.door: is missing'],
    ['a missing word', { 'types.dent': undefined }, 'types.dent: is missing'],
    ['a missing sentence', { 'sentences.limits': undefined }, 'sentences.limits: is missing'],
    ['a number for a word', { 'areas.roof': 7 }, 'areas.roof: is no text'],
    ['a word that no list knows', { 'types.rust': 'Rost' }, 'types.rust: is not known'],
    ['a member that no list knows', { greeting: 'Hallo' }, 'greeting: is not known'],
    ['an empty word', { 'types.dent': '' }, 'types.dent: is empty'],
    ['a lost placeholder', { 'place.part_side': '{part}' }, 'place.part_side: must hold {part}, {side} once each'],
    ['a doubled placeholder', { possible: '{type} {type}' }, 'possible: must hold {type} once each'],
    ['a placeholder in a word', { 'types.dent': 'Delle {n}' }, 'types.dent: holds a placeholder, and takes none'],
    ['one word for two parts', { 'parts.rim.name': 'Rad' }, 'parts.rim: is the same word as parts.wheel'],
    ['one word for two types', { 'types.scuff': 'KRATZER' }, 'types.scuff: is the same word as types.scratch'],
    ['one word for two severities', { 'severities.severe': 'leicht' }, 'severities.severe: is the same word'],
    ['left for right', { 'side.right': 'links' }, 'side.right: is the same word as side.left'],
    ['front for rear', { 'end.rear': 'vorn' }, 'end.rear: is the same word as end.front'],
    ['a zone for an extent', { 'extents.whole_part': 'überall' }, 'extents.whole_part: is the same word'],
    ['a body for a kind', { 'vehicle.bodies.mpv': 'Transporter' }, 'is the same word as vehicle.kinds.van'],
    ['English that was left', { 'types.dent': 'Dent' }, 'types.dent: is left in English'],
    ['an English sentence', { 'sentences.limits': english.sentences.limits }, 'limits: is left in English'],
    ['another script', { 'types.dent': 'Dеlle' }, 'types.dent: holds letters of another script'],
    ['a bidi character', { 'types.dent': 'Delle\u202e' }, 'types.dent: holds a control character'],
    ['a line feed', { 'types.dent': 'De\nlle' }, 'types.dent: holds a control character'],
    ['a joiner', { 'types.dent': 'De\u200dlle' }, 'types.dent: holds a control character'],
    ['decomposed letters', { 'parts.door.name': 'Tu\u0308r' }, 'parts.door: is not written in composed'],
    ['a number', { 'counts.few': '2 bis 5' }, 'counts.few: holds a number'],
    ['markup', { 'types.dent': '<b>Delle</b>' }, 'types.dent: holds a character of markup'],
    ['a text for a label', { 'types.dent': 'Delle '.repeat(20).trim() }, 'is longer than 80 characters'],
    ['letters for a mark', { list_separator: ' und ' }, 'list_separator: is punctuation'],
    ['the wrong direction', { direction: 'rtl' }, 'direction: is ltr in the script of de'],
    ['the wrong locale', { locale: 'fr' }, 'locale: is not one of de'],
    ['digits that are not Latin', { locale: 'de-u-nu-arab' }, 'locale: is not one of de'],
    ['a tag that another serves', { tag: 'de-AT' }, 'tag: is not the tag of a glossary'],
    ['a class without forms', { 'side.left': { m: 'linker' } }, 'parts.door: has no class'],
    ['a form that is missing', classes({ m: 'linker' }), 'side.left.f: is missing'],
    ['an unknown place', { places: { 'door|top|left': 'Tür' } }, 'places.door|top|left: is no place'],
    ['equal places', { places: { 'door|front|left': 'Tür vorn rechts' } }, 'door|front|right: reads the same'],
    ['no list of stems', { 'note_words.sides': 'links' }, 'note_words.sides: is no list of words'],
  ])('finds %s', (_, changes, problem) => {
    expect(problemsOf(changes)).toEqual(expect.arrayContaining([expect.stringContaining(problem)]));
  });

  it('takes forms that agree with every class', () => {
    expect(problemsOf(classes({ m: 'linker', f: 'linke' }))).toEqual([]);
  });

  it('takes what is English where the file names it', () => {
    expect(
      glossaryProblems(german({ 'types.dent': 'dent' }), { english, asInEnglish: ['areas.front', 'types.dent'] }),
    ).toEqual([]);
  });

  it.each([null, 'text', [], 7])('refuses %j', (value) => {
    expect(glossaryProblems(value)).toEqual(['a glossary is an object']);
  });
});

/** Every noun in class m but for the first, which is f; and the forms of left. */
function classes(left: Readonly<Record<string, string>>): Changes {
  const nouns = codesOf(PARTS).map((part) => [`parts.${part}.class`, 'm'] as const);
  return { ...Object.fromEntries(nouns), 'parts.bumper.class': 'f', 'side.left': left };
}

describe('a glossary file', () => {
  const written = JSON.parse(germanText) as Record<string, unknown>;
  const { standing: _, ...words } = written;
  const fingerprint = fingerprintOf(
    Object.fromEntries(Object.entries(words).filter(([key]) => key !== 'as_in_english')),
  );
  const withStanding = (standing: unknown, change: object = {}) => JSON.stringify({ ...words, ...change, standing });
  const reviewed = { state: 'reviewed', by: 'A. Speaker', on: '2026-11-26', fingerprint };

  it('is machine-made where it says nothing else', () => {
    expect(parseGlossary(JSON.stringify(words), 'de', english).state).toBe('machine');
  });

  it('is reviewed by name, date and fingerprint, and an edit loses it', () => {
    expect(parseGlossary(withStanding(reviewed), 'de', english)).toMatchObject({
      state: 'reviewed',
      version: fingerprint,
    });
    const edited = parseGlossary(withStanding(reviewed, { possible: 'vielleicht {type}' }), 'de', english);
    expect(edited.state).toBe('machine');
    expect(edited.version).not.toBe(fingerprint);
  });

  it('loses that it was checked in the same way', () => {
    const checked = { state: 'checked', fingerprint };
    expect(parseGlossary(withStanding(checked), 'de', english).state).toBe('checked');
    expect(parseGlossary(withStanding(checked, { possible: 'vielleicht {type}' }), 'de', english).state).toBe(
      'machine',
    );
  });

  it('has a version of its words only, whatever their order and who has looked at them', () => {
    const turned = JSON.stringify(Object.fromEntries(Object.entries({ ...words, standing: reviewed }).toReversed()));
    expect(parseGlossary(turned, 'de', english).version).toBe(parseGlossary(germanText, 'de', english).version);
  });

  it.each<[string, string, string]>([
    ['no JSON', '{', 'the file is no JSON'],
    ['no object', '[]', 'the file is no object'],
    ['no name', withStanding({ ...reviewed, by: ' ' }), 'standing.by: names nobody'],
    ['no date', withStanding({ ...reviewed, on: 'today' }), 'standing.on: is no date'],
    ['no fingerprint', withStanding({ state: 'checked' }), 'standing.fingerprint: is not that'],
    ['another state', withStanding({ state: 'perfect' }), 'standing.state: is none of'],
    ['another language', englishText, 'tag: is not de'],
  ])('is refused with %s', (_name, text, problem) => {
    expect(() => parseGlossary(text, 'de', english)).toThrow(GlossaryError);
    expect(() => parseGlossary(text, 'de', english)).toThrow(problem);
  });
});

describe('glossaryTagOf', () => {
  it.each([
    ['en', 'en'],
    ['en-GB', 'en'],
    ['en-AU', 'en'],
    ['en-IN', 'en'],
    ['en-US', 'en-US'],
    ['en-CA', 'en-US'],
    ['en-ph', 'en-US'],
    ['pt', 'pt'],
    ['pt-PT', 'pt'],
    ['pt-AO', 'pt'],
    ['pt-br', 'pt-BR'],
    ['zh', 'zh-Hans'],
    ['zh-CN', 'zh-Hans'],
    ['zh-SG', 'zh-Hans'],
    ['zh-TW', 'zh-Hant'],
    ['zh-HK', 'zh-Hant'],
    ['zh-MO', 'zh-Hant'],
    ['zh-Hant', 'zh-Hant'],
    ['zh-Hans-HK', 'zh-Hans'],
    ['no', 'nb'],
    ['nb-NO', 'nb'],
    ['nn', 'nn'],
    ['fr-CA', 'fr'],
    ['de-CH', 'de'],
    ['iw', 'he'],
    ['sr', 'sr'],
    ['sr-Cyrl', 'sr'],
    ['sr-Latn-RS', 'sr-Latn'],
    ['fi', 'fi'],
  ])('%s is served by %s', (tag, glossary) => expect(glossaryTagOf(tag)).toBe(glossary));

  it('is its own glossary, so that one made for a tag is found again', () => {
    for (const tag of ['zh-Hans', 'pt-BR', 'en-US', 'sr-Latn', 'nb']) expect(glossaryTagOf(tag)).toBe(tag);
  });

  it('refuses what is no language', () => expect(() => glossaryTagOf('xx')).toThrow(RangeError));
});

describe('Glossaries', () => {
  let glossaries: Glossaries;
  beforeAll(() => {
    glossaries = Glossaries.read(files);
  });

  it('serves the shipped ones and null for others', () => {
    expect(glossaries.for('de-AT')?.glossary.tag).toBe('de');
    expect(glossaries.for('en-CA')?.glossary.parts.bonnet.name).toBe('hood');
    expect(glossaries.for('fi')).toBeNull();
    expect(glossaries.english.glossary.parts.bonnet.name).toBe('bonnet');
  });

  it("writes numbers as the tag's region does, with Latin digits, in the same words and version", () => {
    const swiss = glossaries.for('de-CH');
    expect(new Intl.NumberFormat(swiss?.glossary.locale).format(84512)).toBe(
      new Intl.NumberFormat('de-CH').format(84512),
    );
    expect(swiss?.glossary.locale).toBe('de-CH');
    expect(swiss?.version).toBe(glossaries.for('de')?.version);
    const egyptian = forRegion({ ...english, tag: 'ar', locale: 'ar-u-nu-latn' }, 'ar-EG');
    expect(new Intl.NumberFormat(egyptian.locale).format(84512)).toMatch(/^84.512$/);
  });

  it('serves regions that write numbers alike from one, and each of the others from one of its own', () => {
    expect(glossaries.for('de-CH')).toBe(glossaries.for('de-CH'));
    expect(glossaries.for('en-AU')).toBe(glossaries.for('en'));
    expect(glossaries.for('de-CH')).not.toBe(glossaries.for('de'));
  });

  it('take another sentence on what photos never show, with or without its full stop', () => {
    const given = new Map([
      ['de-AT', 'fotos zeigen keine verdeckten Schäden.'],
      ['ja', '写真に写らない箇所は記載していません'],
    ]);
    const changed = Glossaries.read(files, given);
    const { glossary, version, state } = changed.for('de') as KnownGlossary;
    expect(glossary.sentences.limits).toBe('fotos zeigen keine verdeckten Schäden');
    expect(version).not.toBe(glossaries.for('de')?.version);
    expect(state).toBe(glossaries.for('de')?.state);
    expect(changed.for('fr')).toEqual(glossaries.for('fr'));
    for (const tag of ['de', 'ja']) {
      const known = changed.for(tag) as KnownGlossary;
      const text = renderText([{ kind: 'unconfirmed' }, { kind: 'limits' }], known.glossary);
      expect(audit(text, [{ kind: 'unconfirmed' }, { kind: 'limits' }], known.glossary)).toBeNull();
    }
  });

  it.each([
    ['markup', 'de', 'Fotos zeigen <b>nichts</b>'],
    ['another script', 'ru', 'Photos show no hidden damage'],
    ['a number', 'de', 'Fotos zeigen nur 10 Prozent'],
    ['too many words', 'de', 'sehr '.repeat(70) + 'lang'],
    ['a placeholder', 'de', 'Fotos zeigen {areas} nicht'],
    ['the words of another sentence', 'en', 'A further damage is possible and could not be confirmed'],
    ['a language without a glossary', 'fi', 'Kuvat eivät näytä kaikkea'],
    ['no language', 'German', 'Fotos zeigen nicht alles'],
  ])('take no sentence with %s', (_, tag, text) => {
    expect(() => Glossaries.read(files, new Map([[tag, text]]))).toThrow(GlossaryError);
  });

  it.each(['ja', 'zh-Hans', 'zh-Hant', 'de'])('write sentences side by side as %s does', (tag) => {
    const { glossary } = glossaries.for(tag) as KnownGlossary;
    const said = [
      { kind: 'unconfirmed' },
      { kind: 'partly_visible', areas: ['front'] },
      { kind: 'not_visible', areas: ['rear', 'roof'] },
      { kind: 'limits' },
    ] as const;
    const text = renderText(said, glossary);
    const { text: areas } = text.blocks[1] as { text: string };
    expect(areas.includes(`${glossary.full_stop} `)).toBe(tag === 'de');
    expect(audit(text, said, glossary)).toBeNull();
  });

  it('cannot be read without English, or with one that is wrong', () => {
    expect(() => Glossaries.read(new Map())).toThrow(RangeError);
    expect(() => Glossaries.read(new Map([...files, ['fi', '{}']]))).toThrow(GlossaryError);
  });
});

/** `GLOSSARY=tr npx vitest run test/assessment/glossaries.test.ts` prints all that can be written in Turkish. */
const asked = process.env['GLOSSARY'] ?? '';

describe('all that can be written', () => {
  it.each([...files.keys()])('is listed for %s, with every entry and every place', (tag) => {
    const { glossary, version, state } = parseGlossary(files.get(tag) as string, tag, english);
    const entries = entriesOf(glossary).map(({ name, text }) => `${name}: ${text}`);
    const places = [...WRITTEN_PLACES].map(([key, place]) => `${key}: ${placeText(place, glossary)}`);
    if (tag === asked) console.log([`${tag}, ${state}, fingerprint ${version}`, ...entries, ...places].join('\n'));
    expect(entries.length).toBeGreaterThanOrEqual(ENTRY_RULES.length);
    expect([...entries, ...places].filter((line) => line.endsWith(': '))).toEqual([]);
  });
});
