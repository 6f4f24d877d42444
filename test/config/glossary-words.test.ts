import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { ConfigError } from '../../src/config/setting-reader.js';

const KEYS = JSON.stringify({ acme: 'a'.repeat(32), beta: 'b'.repeat(32) });

function problemsOf(setting: unknown): readonly string[] {
  const text = typeof setting === 'string' ? setting : JSON.stringify(setting);
  try {
    loadConfig({ SHARED_KEYS: KEYS, GLOSSARY_WORDS: text });
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
}

describe('GLOSSARY_WORDS', () => {
  it('GLOSSARY_WORDS is none by default, and comes from the variable or a file', () => {
    expect(loadConfig({ SHARED_KEYS: KEYS }).glossaryWords.size).toBe(0);
    const words = { acme: { de: { 'types.dent': 'Beule' } } };
    const folder = mkdtempSync(join(tmpdir(), 'words-'));
    try {
      const file = join(folder, 'words.json');
      writeFileSync(file, `${JSON.stringify(words)}\n`);
      for (const given of [{ GLOSSARY_WORDS: JSON.stringify(words) }, { GLOSSARY_WORDS_FILE: file }]) {
        expect(Object.fromEntries(loadConfig({ SHARED_KEYS: KEYS, ...given }).glossaryWords)).toEqual(words);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each<[what: string, setting: unknown, problem: string]>([
    ['what is no JSON', '{acme', 'GLOSSARY_WORDS must be a JSON object'],
    ['a key that there is none of', { gamma: {} }, 'GLOSSARY_WORDS: the key id gamma is not in SHARED_KEYS'],
    ['a key without languages', { acme: 'de' }, 'GLOSSARY_WORDS: key id acme needs words by language'],
    ['a language without words', { acme: { de: ['x'] } }, 'GLOSSARY_WORDS: acme: de needs a word for each entry'],
    [
      'a word that is no text',
      { acme: { de: { 'types.dent': 7 } } },
      'GLOSSARY_WORDS: acme: de: types.dent needs a word, as text',
    ],
  ])('GLOSSARY_WORDS is refused with %s', (_, setting, problem) => {
    expect(problemsOf(setting)).toEqual([problem]);
  });
});
