import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CAR_SIMULATION, type JsonObject } from 'openai-sandbox';
import { audit } from '../../src/assessment/audit/audit.js';
import {
  checkClientWords,
  layOver,
  type ClientWords,
  type WordsOfLanguage,
} from '../../src/assessment/client-words.js';
import { stringsOf } from '../../src/assessment/description.js';
import { publishedStatements, publishedText } from '../../src/assessment/published-text.js';
import { fileOf, parseGlossary, type KnownGlossary } from '../../src/assessment/text/glossary-file.js';
import { Glossaries } from '../../src/assessment/text/glossaries.js';
import { loadConfig } from '../../src/config/load-config.js';
import { parsePrompt } from '../../src/assessment/prompt.js';
import { parseGlossaryAnswer } from '../../src/assessment/text/glossary-answer.js';
import { buildGlossaryRequest } from '../../src/assessment/text/glossary-request.js';
import { placeText } from '../../src/assessment/text/place.js';
import { assessed, finding } from './fixtures.js';

const glossaries = Glossaries.read(loadConfig({ SHARED_KEY: 'k'.repeat(32) }).glossaries);
const english = glossaries.english.glossary;
const shipped = (tag: string) => glossaries.for(tag) as KnownGlossary;

function laid(tag: string, words: WordsOfLanguage): KnownGlossary {
  const found = layOver(shipped(tag), words, english);
  if ('problems' in found) throw new Error(found.problems.join('; '));
  return found.known;
}

/** What a start with these words of the key `acme` says; null when it starts. */
function refused(words: ClientWords): string | null {
  try {
    checkClientWords(new Map([['acme', words]]), glossaries);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

const dents = assessed({
  findings: [
    finding({ part: 'bumper', side: 'n/a', end: 'front', type: 'dent', severity: 'severe' }),
    finding({ part: 'door', side: 'left', end: 'rear', type: 'scratch', severity: 'minor' }),
  ],
});

function linesOf(known: KnownGlossary): string {
  const made = publishedStatements(dents);
  if ('refused' in made) throw new Error(JSON.stringify(made.refused));
  const written = publishedText(made.statements, known);
  if ('refused' in written) throw new Error(JSON.stringify(written.refused));
  expect(audit(written.text, made.statements, known.glossary)).toBeNull();
  return stringsOf(written.text).join('\n');
}

describe('a client’s own words', () => {
  it('stand in the text, which is read back with them and with nothing else', () => {
    const words = { 'parts.bumper': 'Stoßstange', 'types.dent': 'Beule', 'severities.severe': 'erheblich' };
    const known = laid('de', words);
    expect(linesOf(shipped('de'))).toContain('Stoßfänger vorn: Delle, schwer');
    expect(linesOf(known)).toContain('Stoßstange vorn: Beule, erheblich');
    expect(linesOf(known)).toContain('Tür hinten links: Kratzer, leicht');
    const made = publishedStatements(dents);
    if ('refused' in made) throw new Error(JSON.stringify(made.refused));
    const written = publishedText(made.statements, known);
    const text = 'text' in written ? written.text : { blocks: [] };
    expect(audit(text, made.statements, shipped('de').glossary)).toMatchObject({ reason: 'unreadable' });
  });

  it('may be a place as a whole, a form of a side for each class of nouns, and another class', () => {
    expect(linesOf(laid('de', { 'places.bumper|front|n/a': 'Frontstoßstange' }))).toContain('Frontstoßstange: Delle');
    const russian = laid('ru', { 'side.left.f': 'слева', 'parts.bumper': 'обвес', 'parts.bumper.class': 'n' });
    expect(linesOf(russian)).toContain('слева');
    expect(russian.glossary.parts.bumper).toEqual({ name: 'обвес', class: 'n' });
    expect(linesOf(russian)).toMatch(/обвес передн?ее/i);
  });

  it('make a version of its own of the lowest state, whatever the state of the glossary', () => {
    const reviewed = { ...shipped('de'), state: 'reviewed' } as const;
    const found = layOver(reviewed, { 'types.dent': 'Beule' }, english);
    expect(found).toMatchObject({ known: { state: 'machine' } });
    expect('known' in found && found.known.version).not.toBe(reviewed.version);
    // The words that the glossary has anyway change nothing.
    const same = layOver(reviewed, { 'types.dent': 'Delle' }, english);
    expect('known' in same && same.known).toBe(reviewed);
  });

  it('are read from a kept version as they were', () => {
    const known = laid('pl', { 'types.dent': 'wgięcie' });
    expect(parseGlossary(fileOf(known), 'pl', english)).toEqual(known);
  });
});

describe('a start with a client’s own words', () => {
  it('goes on where all of them go with their glossaries, also where none is shipped', () => {
    expect(refused({ de: { 'types.dent': 'Beule' }, en: { 'parts.bonnet': 'bonnet lid' }, 'zh-Hans': {} })).toBeNull();
    expect(refused({ fi: { 'types.dent': 'lommo', 'side.left': 'vasen' } })).toBeNull();
  });

  it.each<[what: string, words: ClientWords, named: string]>([
    ['a language that there is none of', { xx: {} }, 'acme: xx: is not a supported language'],
    ['a name out of a prototype', { __proto__x: {} }, 'acme: __proto__x: is not a supported language'],
    ['a tag that another glossary serves', { 'de-AT': {} }, 'acme: de-AT: is written with the glossary de; name that'],
    ['an entry that there is none of', { de: { 'parts.wing': 'Flügel' } }, 'acme: de: parts.wing: is no entry'],
    [
      'a member that every object has',
      { de: { 'side.left.constructor': 'x' } },
      'acme: de: side.left.constructor: is no',
    ],
    ['a place that there is none of', { de: { 'places.roof|rear|left': 'x' } }, 'places.roof|rear|left: is no place'],
    ['a pattern', { de: { 'item.by_part': '{place}' } }, 'acme: de: item.by_part: is no word'],
    ['a sentence', { de: { 'sentences.limits': 'Fotos lügen nie' } }, 'acme: de: sentences.limits: is no word'],
    [
      'one form where each class has its own',
      { ru: { 'side.left': 'слева' } },
      'side.left.m, side.left.f, side.left.n',
    ],
    ['a class where no noun has one', { de: { 'parts.bumper.class': 'f' } }, 'parts.bumper.class: has no class'],
    ['a class that has no forms', { ru: { 'parts.bumper.class': 'x' } }, 'side.left.x: is missing'],
    [
      'a word of its list',
      { de: { 'types.dent': 'Kratzer' } },
      'acme: de: types.dent: is the same word as types.scratch',
    ],
    [
      'a side that is the other',
      { de: { 'side.left': 'Rechts' } },
      'acme: de: side.right: is the same word as side.left',
    ],
    ['another script', { de: { 'types.dent': 'вмятина' } }, 'types.dent: holds letters of another script'],
    ['a number', { de: { 'types.dent': 'Delle 2' } }, 'types.dent: holds a number'],
    ['markup', { de: { 'types.dent': '<b>Delle</b>' } }, 'types.dent: holds a character of markup'],
    ['nothing', { de: { 'types.dent': '' } }, 'types.dent: is empty'],
    ['a placeholder', { de: { 'types.dent': '{type}' } }, 'types.dent: holds a placeholder'],
    ['an English word', { de: { 'types.dent': 'dent' } }, 'types.dent: is left in English'],
    ['a turn of direction', { ar: { 'types.dent': '\u202eخدش' } }, 'types.dent: holds a control character'],
    ['a place as another', { de: { 'places.door|front|left': 'Tür hinten links' } }, 'reads the same as'],
    [
      'a part whose whole place stays',
      { ru: { 'parts.camera': 'камера' } },
      'places.camera|front|n/a: is written whole',
    ],
    ['what separates terms', { en: { 'severities.severe': 'minor; dent, minor' } }, 'acme: en: severities.severe: '],
    [
      'a number, where no glossary is shipped',
      { fi: { 'types.dent': 'lommo 2' } },
      'acme: fi: types.dent: holds a number',
    ],
    [
      'one word twice, where no glossary is shipped',
      { fi: { 'types.dent': 'lommo', 'types.hole': 'Lommo' } },
      'same word',
    ],
  ])('is refused by key, language and entry for %s', (_, words, named) => {
    const message = refused(words);
    expect(message).toContain('GLOSSARY_WORDS cannot be used: acme: ');
    expect(message).toContain(named);
  });

  it('names only the words that can be read in two ways', () => {
    const message = refused({ en: { 'types.scratch': 'scrape', 'areas.roof': 'front, rear' } });
    expect(message).toContain('acme: en: areas.roof: a text can be read in two ways');
    expect(message).not.toContain('types.scratch');
  });
});

describe('a glossary that a model has made', () => {
  const prompt = parsePrompt(readFileSync(new URL('../../prompts/glossary.md', import.meta.url), 'utf8'));
  const request = buildGlossaryRequest({ tag: 'fi', english }, { model: 'gpt-5.6-luna', effort: 'none', prompt });
  const asked = { schema: request.text.format.schema as unknown as JsonObject, photos: [] };
  const value = CAR_SIMULATION.answer({ ...asked, userTexts: [request.input[0].content[0].text] });
  const content = [{ type: 'output_text', text: JSON.stringify(value) }];
  const answer = parseGlossaryAnswer(
    { status: 'completed', output: [{ type: 'message', content }] },
    { tag: 'fi', english },
  );
  if (answer.kind !== 'glossary') throw new Error('no glossary');
  const made = parseGlossary(JSON.stringify(answer.file), 'fi', english);

  it('takes a word for a place as a whole, as it is written, and a part with all its places alone', () => {
    const key = 'places.battery|n/a|n/a';
    expect(layOver(made, { 'parts.battery': 'akku' }, english)).toEqual({
      problems: [`${key}: is written whole and would keep its old word; name it too`],
    });
    const found = layOver(made, { 'parts.battery': 'akku', [key]: 'akku' }, english);
    if ('problems' in found) throw new Error(found.problems.join());
    expect(placeText({ part: 'battery', side: 'n/a', end: 'n/a' }, found.known.glossary)).toBe('akku');
  });
});
