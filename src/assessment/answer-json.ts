import { endOfString, parseBounded, TooComplexError } from './answer-bounds.js';

/** Objects of one text that are looked at, from its end. */
const MOST_OBJECTS = 8;

/**
 * The JSON values of an answer's texts, the likeliest first: each text as a whole, else the objects in it, the last one
 * first. Models and gateways put a code fence, an introduction or a second copy around what they were asked for, and
 * what was paid for and is all there must not be asked for again.
 * @param texts - the likeliest first
 */
export function* answerValues(texts: readonly string[]): Generator<unknown, void, undefined> {
  for (const text of texts) {
    const whole = parsed(text.replace(/^\s*\uFEFF/, ''));
    // JSON that was written as a string once more.
    const value = typeof whole === 'string' ? parsed(whole) : whole;
    if (value !== undefined) {
      yield value;
      if (Array.isArray(value)) yield* value.slice(-MOST_OBJECTS).toReversed();
      continue;
    }
    for (const object of objectsIn(typeof whole === 'string' ? whole : text)) {
      const inner = parsed(object);
      if (inner !== undefined) yield inner;
    }
  }
}

function parsed(json: string): unknown {
  try {
    return parseBounded(json);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TooComplexError) return undefined;
    throw error;
  }
}

const OPEN = '{'.charCodeAt(0);
const CLOSE = '}'.charCodeAt(0);
const QUOTE = '"'.charCodeAt(0);
/** A brace in prose ("{the list}") begins no object. */
const FIRST_MEMBER = /\s*["}]/y;

/** The outermost `{…}` of a text, the last first; found in one pass, so that no text can make this slow. */
function objectsIn(text: string): readonly string[] {
  const found: [from: number, to: number][] = [];
  let from = 0;
  let levels = 0;
  for (let at = text.indexOf('{'); at !== -1 && at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (levels === 0) {
      if (character !== OPEN || !beginsObject(text, at)) continue;
      from = at;
      levels = 1;
    } else if (character === QUOTE) {
      at = endOfString(text, at);
    } else if (character === OPEN) {
      levels += 1;
    } else if (character === CLOSE && --levels === 0) {
      found.push([from, at + 1]);
      if (found.length > MOST_OBJECTS) found.shift();
    }
  }
  return found.toReversed().map(([start, end]) => text.slice(start, end));
}

function beginsObject(text: string, brace: number): boolean {
  FIRST_MEMBER.lastIndex = brace + 1;
  return FIRST_MEMBER.test(text);
}
