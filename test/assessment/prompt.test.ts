import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PROMPT_CANARY } from '../../src/assessment/model-text.js';
import { codesOf } from '../../src/assessment/part-rules.js';
import { parsePrompt, PromptError } from '../../src/assessment/prompt.js';
import { DAMAGE_TYPES, PARTS } from '../../src/assessment/taxonomy.js';

const read = (name: string): string => readFileSync(new URL(`../../prompts/${name}`, import.meta.url), 'utf8');

describe('parsePrompt', () => {
  it('parsePrompt reads version, settings and body', () => {
    expect(
      parsePrompt('\uFEFF---\r\nversion: 7\r\nmax_output_tokens: 900\r\nnote: "a b"\r\n---\r\n\r\nHello\r\n'),
    ).toEqual({
      version: '7',
      settings: { max_output_tokens: 900, note: 'a b' },
      body: 'Hello',
    });
  });

  it('parsePrompt lets an override replace the body, and names the version after its text', () => {
    const prompt = parsePrompt('---\nversion: 7\n---\nHello', 'Do as I say');
    // printf 'Do as I say' | sha256sum
    expect(prompt.version).toBe('override-7a94790f575a');
    expect(prompt.body).toBe('Do as I say');
    expect(parsePrompt('---\nversion: 7\n---\nHello', 'Do as I said').version).not.toBe(prompt.version);
    expect(parsePrompt('---\nversion: 7\n---\nHello', '  ').version).toBe('7');
  });

  it.each([
    ['no front matter', 'Hello'],
    ['no version', '---\na: b\n---\nHello'],
    ['no body', '---\nversion: 1\n---\n  \n'],
    ['a line that is no pair', '---\nversion: 1\nwhat\n---\nHello'],
    ['an unknown placeholder', '---\nversion: 1\n---\nHello {{world}}'],
    ['a placeholder of the object prototype', '---\nversion: 1\n---\nHello {{constructor}}'],
  ])('parsePrompt refuses a file with %s', (_, file) => {
    expect(() => parsePrompt(file)).toThrow(PromptError);
  });

  it('parsePrompt fills in the lists of the shipped vision prompt', () => {
    const { version, body } = parsePrompt(read('vision.md'));
    expect(version).toMatch(/^vision-\d+$/);
    expect(body).not.toContain('{{');
    expect(body).toContain(PROMPT_CANARY);
    for (const type of codesOf(DAMAGE_TYPES)) {
      expect(body).toContain(`- ${type}: ${DAMAGE_TYPES[type].meaning}`);
    }
    for (const part of codesOf(PARTS)) {
      expect(body).toContain(part);
    }
  });

  it('parsePrompt accepts the shipped translation prompt', () => {
    expect(parsePrompt(read('translation.md')).version).toMatch(/^translation-\d+$/);
  });
});
