import { isObject, parseObject, type JsonObject } from '../json.js';
import { fitSchema } from './fit-schema.js';
import { pseudoWords } from './pseudo-language.js';
import { SCENE_NAMES } from './scenes.js';

/** What a request for a glossary tells: the language, and every text by its place. */
interface GlossaryQuestion {
  readonly tag: string;
  readonly write: JsonObject;
}

/** Glossaries as they come from a model that has not understood: they do not pass a reader's checks. */
const GLOSSARY_SCENES: Readonly<Record<string, (words: JsonObject, question: GlossaryQuestion) => JsonObject>> = {
  /** Left and right by one word. */
  glossary_same_word: (words) => {
    const side = isObject(words['side']) ? words['side'] : {};
    return { ...words, side: { ...side, right: side['left'] } };
  },
  /** A severity that reads as the end of one damage and the whole of the next. */
  glossary_two_ways: (words) => {
    const [types, severities, item] = ['types', 'severities', 'item'].map((list) => words[list] as JsonObject);
    const [minor, dent, between] = [severities?.['minor'], types?.['dent'], item?.['between']].map(String);
    const damage = String(item?.['damage']).replace('{type}', String(dent)).replace('{severity}', String(minor));
    return { ...words, severities: { ...severities, severe: `${minor}${between}${damage}` } };
  },
  glossary_left_in_english: (words, { write }) => ({ ...words, sentences: write['sentences'] }),
};

/** Whether the request is for a glossary: its last text names a language and holds texts to write, nested. */
export function glossaryQuestion(userTexts: readonly string[]): GlossaryQuestion | undefined {
  const last = parseObject(userTexts.at(-1) ?? '');
  const [tag, write] = [last?.['tag'], last?.['write']];
  return typeof tag === 'string' && isObject(write) ? { tag, write } : undefined;
}

/**
 * Words of no language in the right script, with names in braces and marks as they were: enough to write texts that can be read
 * back. That they are simulated is said by the texts, not by every word.
 * @throws Error for a scene that there is not; those of photos mean nothing here
 */
export function glossaryAnswer(schema: JsonObject, question: GlossaryQuestion, scene: string | undefined): unknown {
  const words = inPseudo(question.write, question.tag) as JsonObject;
  const play = scene === undefined || SCENE_NAMES.includes(scene) ? undefined : sceneOf(scene);
  return fitSchema(schema, { ...(play?.(words, question) ?? words), as_in_english: [] });
}

function sceneOf(name: string) {
  if (Object.hasOwn(GLOSSARY_SCENES, name)) return GLOSSARY_SCENES[name];
  throw new Error(`there is no scene '${name}' of a glossary; there are ${Object.keys(GLOSSARY_SCENES).join(', ')}`);
}

function inPseudo(value: unknown, tag: string): unknown {
  if (typeof value === 'string') return pseudoWords(value, tag);
  if (Array.isArray(value)) return value.map((item: unknown) => inPseudo(item, tag));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, inPseudo(inner, tag)]));
}
