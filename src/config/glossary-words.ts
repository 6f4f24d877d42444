import type { ClientWords } from '../assessment/client-words.js';
import type { SettingReader } from './setting-reader.js';

/**
 * GLOSSARY_WORDS (JSON: key id → language tag → entry → word): what a client calls things. What tags, entries and words may be is judged
 * with the glossaries that they become a part of.
 */
export function readGlossaryWords(
  read: SettingReader,
  keys: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, ClientWords> {
  const given = read.jsonObject('GLOSSARY_WORDS', read.secret('GLOSSARY_WORDS')) ?? {};
  const words = Object.entries(given).filter(([keyId, languages]) => {
    // A migration reads no keys.
    if (keys.size > 0 && !keys.has(keyId)) read.problem(`GLOSSARY_WORDS: the key id ${keyId} is not in SHARED_KEYS`);
    const problems = languagesProblems(keyId, languages);
    for (const problem of problems) read.problem(problem);
    return problems.length === 0;
  });
  return new Map(words as [string, ClientWords][]);
}

function languagesProblems(keyId: string, languages: unknown): string[] {
  if (!isObject(languages)) return [`GLOSSARY_WORDS: key id ${keyId} needs words by language`];
  return Object.entries(languages).flatMap(([tag, words]) => {
    if (!isObject(words)) return [`GLOSSARY_WORDS: ${keyId}: ${tag} needs a word for each entry`];
    return Object.entries(words).flatMap(([entry, word]) =>
      typeof word === 'string' ? [] : [`GLOSSARY_WORDS: ${keyId}: ${tag}: ${entry} needs a word, as text`],
    );
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
