import { readFileSync } from 'node:fs';
import { CAR_SIMULATION, type JsonObject } from 'openai-sandbox';
import { describe, expect, it } from 'vitest';
import { collisionsOf } from '../../src/assessment/audit/collisions.js';
import { scriptOf } from '../../src/assessment/languages.js';
import { LANGUAGES } from '../../src/assessment/language-list.js';
import { Glossaries } from '../../src/assessment/text/glossaries.js';
import { parseGlossaryAnswer } from '../../src/assessment/text/glossary-answer.js';
import { WRITTEN_PLACES } from '../../src/assessment/text/glossary-checks.js';
import { parseGlossary } from '../../src/assessment/text/glossary-file.js';
import { buildGlossaryRequest, type WantedGlossary } from '../../src/assessment/text/glossary-request.js';
import { glossaryTagOf } from '../../src/assessment/text/glossary-tags.js';
import { parsePrompt } from '../../src/assessment/prompt.js';
import { loadConfig } from '../../src/config/load-config.js';

const shipped = Glossaries.read(loadConfig({ SHARED_KEY: 'k'.repeat(32) }).glossaries);
const english = shipped.english.glossary;
const prompt = parsePrompt(readFileSync(new URL('../../prompts/glossary.md', import.meta.url), 'utf8'));
const settings = { model: 'gpt-5.6-luna', effort: 'none', prompt } as const;

/** Every glossary that a client can cause to be made. */
const MADE = [
  ...new Set(
    Object.entries(LANGUAGES).flatMap(([language, [, ...scripts]]) =>
      scripts.map((script) => glossaryTagOf(`${language}-${script}`)),
    ),
  ),
].filter((tag) => shipped.for(tag) === null);

const ONE_OF_EACH_SCRIPT = [...new Map(MADE.map((tag) => [scriptOf(tag), tag])).values()];

/** What the sandbox answers. */
function played(wanted: WantedGlossary, scene?: string): JsonObject {
  const request = buildGlossaryRequest(wanted, settings);
  const { schema } = request.text.format;
  const userTexts = [request.input[0].content[0].text];
  return CAR_SIMULATION.answer({ schema: schema as unknown as JsonObject, photos: [], userTexts, scene }) as JsonObject;
}

function answered(value: unknown): JsonObject {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return { status: 'completed', output: [{ type: 'message', content: [{ type: 'output_text', text }] }] };
}

const finnish: WantedGlossary = { tag: 'fi', english };

function made(wanted: WantedGlossary, value: unknown = played(wanted)) {
  const answer = parseGlossaryAnswer(answered(value), wanted);
  if (answer.kind !== 'glossary') throw new Error(JSON.stringify(answer));
  return answer.file;
}

describe('a request for a glossary', () => {
  it('asks for every text whole, place by place, and holds the language and English words only', () => {
    const request = buildGlossaryRequest(finnish, settings);
    const asked = JSON.parse(request.input[0].content[0].text) as Record<
      string,
      Record<string, Record<string, string>>
    >;
    expect(Object.keys(asked)).toEqual(['language', 'tag', 'script', 'write']);
    expect(Object.keys(asked['write']?.['places'] ?? {})).toHaveLength(WRITTEN_PLACES.size);
    expect(asked['write']?.['places']?.['door__front__left']).toBe('left front door');
    expect(asked['write']?.['place']).toBeUndefined();
    expect(asked['write']?.['parts']?.['bumper']).toBe('bumper');
  });

  it('has room for every text, but never more than the model can be asked for', () => {
    expect(buildGlossaryRequest(finnish, settings).max_output_tokens).toBe(64_000);
    expect(buildGlossaryRequest(finnish, { ...settings, model: 'gpt-4.1-mini' }).max_output_tokens).toBe(32_768);
  });

  it('keeps within what strict mode takes: members, levels, and names without odd marks', () => {
    const { schema } = buildGlossaryRequest(finnish, settings).text.format;
    const names = (node: unknown, level: number): [string, number][] => {
      const { properties = {} } = node as { properties?: Record<string, unknown> };
      return Object.entries(properties).flatMap(([name, inner]) => [[name, level], ...names(inner, level + 1)]);
    };
    const all = names(schema, 1);
    expect(all.length).toBeLessThan(5_000);
    expect(Math.max(...all.map(([, level]) => level))).toBeLessThanOrEqual(5);
    expect(all.filter(([name]) => !/^[a-zA-Z0-9_-]{1,64}$/.test(name))).toEqual([]);
  });
});

describe('the answer to a request for a glossary', () => {
  it('becomes a file that is read like a shipped one, of the lowest standing', () => {
    const known = parseGlossary(JSON.stringify(made(finnish)), 'fi', english);
    expect(known.state).toBe('machine');
    expect(Object.keys(known.glossary.places)).toHaveLength(WRITTEN_PLACES.size);
  });

  it('passes the checks in every language that a client can ask for, as the sandbox plays it', () => {
    expect(MADE.length).toBeGreaterThan(90);
    for (const tag of MADE)
      expect(parseGlossary(JSON.stringify(made({ tag, english })), tag, english).state).toBe('machine');
  });

  it.each(ONE_OF_EACH_SCRIPT)('can be read back in the script of %s, as the sandbox plays it', (tag) => {
    const known = parseGlossary(JSON.stringify(made({ tag, english })), tag, english);
    expect(collisionsOf(known.glossary).filter(({ kind }) => kind !== 'alike')).toEqual([]);
  });

  it.each([
    ['left and right by one word', 'glossary_same_word', 'side.right: is the same word as side.left'],
    ['sentences left in English', 'glossary_left_in_english', 'sentences.limits: is left in English'],
  ])('is refused with %s', (_, scene, problem) => {
    const answer = parseGlossaryAnswer(answered(played(finnish, scene)), finnish);
    expect(answer.kind === 'unusable' && answer.problems.join()).toContain(problem);
  });

  it('is refused when a name in braces is lost, a number is added, or the script is another', () => {
    const value = played(finnish) as Record<string, Record<string, string>>;
    const with_ = (list: string, name: string, text: string) => {
      const answer = parseGlossaryAnswer(answered({ ...value, [list]: { ...value[list], [name]: text } }), finnish);
      return answer.kind === 'unusable' ? answer.problems : [];
    };
    expect(with_('sentences', 'partly_visible', 'Vain osittain')).toEqual([
      'sentences.partly_visible: must hold {areas} once each, and no other',
    ]);
    expect(with_('types', 'dent', '2 lommoa')[0]).toContain('holds a number');
    expect(with_('types', 'dent', 'вмятина')[0]).toContain('holds letters of another script');
    expect(with_('places', 'door__front__left', value['places']?.['door__front__right'] ?? '')[0]).toContain(
      'reads the same',
    );
  });

  it('is taken out of a code fence, and cleared of spaces around a term', () => {
    const value = played(finnish) as Record<string, Record<string, string>>;
    const spaced = { ...value, types: { ...value['types'], dent: '  lommo ' } };
    const file = made(finnish, `Here it is:\n\`\`\`json\n${JSON.stringify(spaced)}\n\`\`\``);
    expect((file['types'] as Record<string, string>)['dent']).toBe('lommo');
  });

  it('may name words that are the same in English, but not so many that nothing is looked at', () => {
    const value = played(finnish) as Record<string, Record<string, string>>;
    const same = { ...value, parts: { ...value['parts'], radio: english.parts.radio.name } };
    expect(parseGlossaryAnswer(answered(same), finnish).kind).toBe('unusable');
    expect(made(finnish, { ...same, as_in_english: ['parts.radio', 'sentences.limits'] })['as_in_english']).toEqual([
      'parts.radio',
    ]);
    const all = Object.keys(english.parts).map((part) => `parts.${part}`);
    const names = Object.fromEntries(Object.entries(english.parts).map(([part, { name }]) => [part, name]));
    expect(parseGlossaryAnswer(answered({ ...value, parts: names, as_in_english: all }), finnish).kind).toBe(
      'unusable',
    );
  });

  it.each([
    ['refused', { status: 'completed', output: [{ type: 'message', content: [{ type: 'refusal', refusal: 'no' }] }] }],
    ['incomplete', { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output: [] }],
    ['invalid', answered('{"parts": {}}')],
    ['invalid', null],
  ])('is no glossary when it is %s', (kind, body) => {
    expect(parseGlossaryAnswer(body, finnish).kind).toBe(kind);
  });
});

describe('a glossary for closed lists that have grown', () => {
  const older = (() => {
    const file = structuredClone(made(finnish)) as Record<string, Record<string, unknown>>;
    delete file['parts']?.['radio'];
    delete file['places']?.['radio|n/a|n/a'];
    delete file['note_words']?.['ends'];
    // Nothing says it any more.
    Object.assign(file['types'] ?? {}, { ding: 'kolhu', dent: 'lommo' });
    return file;
  })();
  const wanted: WantedGlossary = { ...finnish, older };

  it('is asked for what it lacks only, with the words that are in use', () => {
    const text = buildGlossaryRequest(wanted, settings).input[0].content[0].text;
    const { write, chosen_before: chosen } = JSON.parse(text) as Record<string, Record<string, unknown>>;
    expect(write).toEqual({
      parts: { radio: 'radio or display' },
      places: { radio__na__na: 'radio or display' },
      note_words: { ends: english.note_words.ends },
    });
    expect(chosen?.['side.left']).toBe((older['side'] as Record<string, string>)['left']);
    expect(chosen?.['types.dent']).toBeUndefined();
  });

  it('keeps its words, and drops those that nothing says any more', () => {
    const file = made(wanted) as Record<string, Record<string, unknown>>;
    expect(file['types']?.['dent']).toBe('lommo');
    expect(file['types']?.['ding']).toBeUndefined();
    expect(parseGlossary(JSON.stringify(file), 'fi', english).glossary.parts.radio.name).not.toBe('');
  });
});
