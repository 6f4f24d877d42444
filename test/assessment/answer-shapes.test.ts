import { describe, expect, it } from 'vitest';
import { parseTranslation } from '../../src/assessment/translation.js';
import { parseVisionAnswer } from '../../src/assessment/vision-answer.js';
import { findingReply, reply, responseWith, twoPhotos } from './fixtures.js';

// What models and gateways put around an answer that is there, whole and paid for.

const RAW = reply({ findings: [findingReply()] });
const JSON_TEXT = JSON.stringify(RAW);
const parse = (body: unknown) => parseVisionAnswer(body, twoPhotos, 'vision-1');

const message = (text: string, changes: Record<string, unknown> = {}) => ({
  type: 'message',
  role: 'assistant',
  content: [{ type: 'output_text', text, annotations: [] }],
  ...changes,
});
const output = (...items: unknown[]) => responseWith('', { output: items });
const reasoning = {
  type: 'reasoning',
  id: 'rs_1',
  summary: [{ type: 'summary_text', text: 'Looking at {"photos": …}' }],
};
const other = JSON.stringify(reply());

describe('an answer of several messages and parts', () => {
  it.each<[string, unknown]>([
    ['the same message twice', output(message(JSON_TEXT), message(JSON_TEXT))],
    [
      'three times, with reasoning between',
      output(message(JSON_TEXT), reasoning, message(JSON_TEXT), message(JSON_TEXT)),
    ],
    [
      'a commentary before the final answer',
      output(message('Looking.', { phase: 'commentary' }), message(JSON_TEXT, { phase: 'final_answer' })),
    ],
    [
      'a commentary behind it',
      output(message(JSON_TEXT, { phase: 'final_answer' }), message('Done.', { phase: 'commentary' })),
    ],
    [
      'a commentary that looks like an answer',
      output(message(JSON_TEXT, { phase: 'final_answer' }), message(other, { phase: 'commentary' })),
    ],
    [
      'a draft without a phase before the final answer',
      output(message(other), message(JSON_TEXT, { phase: 'final_answer' }), message(other)),
    ],
    ['commentary alone', output(message(JSON_TEXT, { phase: 'commentary' }))],
    [
      'phases that are null or unknown',
      output(message('Hm.', { phase: 'thinking' }), message(JSON_TEXT, { phase: null })),
    ],
    ['an empty message before and behind', output(message(''), message(JSON_TEXT), message('  \n'))],
    ['a correction: the last one counts', output(message(other), message(JSON_TEXT))],
    ['cut into two messages', output(message(JSON_TEXT.slice(0, 99)), message(JSON_TEXT.slice(99)))],
    [
      'the request echoed',
      output({ ...message(other), role: 'user' }, message(JSON_TEXT), { ...message('x'), role: 'system' }),
    ],
    [
      'tool calls between',
      output({ type: 'web_search_call', id: 'ws_1' }, message(JSON_TEXT), { type: 'function_call', arguments: '{}' }),
    ],
    ['content as a plain text', output({ type: 'message', role: 'assistant', content: JSON_TEXT })],
    ['parts of type text', output(message('', { content: [{ type: 'text', text: JSON_TEXT }] }))],
    [
      'null parts',
      output(
        message('', { content: [null, { type: 'output_text', text: null }, { type: 'output_text', text: JSON_TEXT }] }),
        null,
      ),
    ],
    [
      'an empty refusal beside',
      output(
        message('', {
          content: [
            { type: 'refusal', refusal: '' },
            { type: 'output_text', text: JSON_TEXT },
          ],
        }),
      ),
    ],
    [
      'a refusal of null behind',
      output(message(JSON_TEXT), message('', { content: [{ type: 'refusal', refusal: null }] })),
    ],
    [
      'a blank refusal in a message of its own',
      output(message('', { content: [{ type: 'refusal', refusal: ' \n' }] }), message(JSON_TEXT)),
    ],
    ['no status', responseWith(JSON_TEXT, { status: undefined })],
    ['a status of null', responseWith(JSON_TEXT, { status: null })],
  ])('is read: %s', (_, body) => {
    expect(parse(body)).toMatchObject({ kind: 'assessed', raw: RAW });
  });

  it('stays a refusal where one has words, or nothing else was said', () => {
    const refusal = (words: unknown) => ({ type: 'refusal', refusal: words });
    const said = (content: unknown[]) => parse(output(message('', { content })));
    expect(said([refusal('No.'), { type: 'output_text', text: JSON_TEXT }])).toMatchObject({
      kind: 'refused',
      message: 'No.',
    });
    expect(said([refusal('')])).toMatchObject({ kind: 'refused', message: 'no reason given' });
    expect(said([refusal(null), { type: 'output_text', text: ' ' }])).toMatchObject({ kind: 'refused' });
  });
});

describe('a text with more than the JSON in it', () => {
  const pretty = JSON.stringify(RAW, null, 2);
  it.each([
    ['a code fence', `\`\`\`json\n${JSON_TEXT}\n\`\`\``],
    ['a code fence without a language, and words', `Here it is:\n\`\`\`\n${pretty}\n\`\`\`\nLet me know.`],
    ['words before', `Sure! Here is the report: ${JSON_TEXT}`],
    ['words behind', `${JSON_TEXT}\n\nNote: photo 2 is blurred {see above}.`],
    ['a brace and a quote in the words', `The schema is {photos, findings} and "so on": ${JSON_TEXT}`],
    ['a template in the words', `In the form {"photos": [...]}: ${JSON_TEXT}`],
    ['the JSON twice', JSON_TEXT + JSON_TEXT],
    ['the JSON twice, on lines', `${pretty}\n${pretty}\n`],
    ['a draft before', `${other}\n\nCorrected:\n${JSON_TEXT}`],
    ['thoughts in a tag', `<think>Maybe {"type":"dent"}?</think>${JSON_TEXT}`],
    ['a byte order mark', `\uFEFF${JSON_TEXT}`],
    ['white space all around', `\n\t ${JSON_TEXT} \r\n\n`],
    ['JSON as a string once more', JSON.stringify(JSON_TEXT)],
    ['a list of one', `[${JSON_TEXT}]`],
    ['a stray brace behind', `${JSON_TEXT}}`],
  ])('is read: %s', (_, text) => {
    expect(parse(responseWith(text))).toMatchObject({ kind: 'assessed', raw: RAW });
  });

  it('reads braces and quotes inside of strings as text', () => {
    const raw = reply({ findings: [findingReply({ note: 'A "}" and a \\ {' })] });
    expect(parse(responseWith(`Report: ${JSON.stringify(raw)} done.`))).toMatchObject({ kind: 'assessed', raw });
  });

  it.each([
    ['only a part of it', JSON_TEXT.slice(0, -20)],
    ['cut in a fence', `\`\`\`json\n${JSON_TEXT.slice(0, 300)}`],
    ['words alone', 'I see {no} damage.'],
    ['another object', '{"answer": 42}'],
  ])('is still refused: %s', (_, text) => {
    expect(parse(responseWith(text)).kind).toBe('invalid');
  });
});

describe('a translation with more around it', () => {
  const german = JSON.stringify({ de: { s1: 'Eine helle Linie im Lack.' } });
  const translate = (body: unknown) => parseTranslation(body, 1, ['de']);

  it.each<[string, unknown]>([
    ['twice', output(message(german), message(german))],
    ['a preamble', output(message('Translating.', { phase: 'commentary' }), message(german))],
    ['in a fence', responseWith(`\`\`\`json\n${german}\n\`\`\``)],
    ['words behind', responseWith(`${german} Gern.`)],
    ['twice in one text', responseWith(`${german}\n${german}`)],
    ['an empty refusal', output(message(german), message('', { content: [{ type: 'refusal', refusal: '' }] }))],
    ['the empty form first', responseWith(`{"de": {}} ${german}`)],
    ['the empty form last', responseWith(`${german} {"de": {}}`)],
  ])('is read: %s', (_, body) => {
    const answer = translate(body);
    expect(answer.kind === 'translated' && answer.languages.get('de')).toEqual(['Eine helle Linie im Lack.']);
  });

  it('takes the languages from the copy that has most of them', () => {
    const french = { fr: { s1: 'Une ligne claire dans la peinture.' } };
    const both = JSON.stringify({ ...(JSON.parse(german) as object), ...french });
    const answer = parseTranslation(responseWith(`${both}\n${german}`), 1, ['de', 'fr']);
    expect(answer.kind === 'translated' && [...answer.languages.keys()]).toEqual(['de', 'fr']);
  });
});
