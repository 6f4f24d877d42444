import { SCRIPTS } from './language-list.js';
import { canonicalTag, scriptOf } from './languages.js';
import { addsMarkupOrLink } from './model-text.js';

/** Why a language's translation is not used; the English text stands in for it. */
export type TranslationProblem =
  | 'missing'
  | 'empty_string'
  | 'number_changed'
  | 'identifier_changed'
  | 'markup_added'
  | 'not_translated'
  | 'wrong_script'
  | 'length';

/**
 * What is wrong with the translations of one language, as a whole: a description half in another language, or with
 * one number changed, is worse than the English one.
 * @param sources - English
 * @param targets - cleaned, as many as the sources
 */
export function translationProblem(
  sources: readonly string[],
  targets: readonly string[],
  language: string,
): TranslationProblem | null {
  for (const [index, source] of sources.entries()) {
    const problem = stringProblem(source, targets[index] ?? '');
    if (problem !== null) {
      return problem;
    }
  }
  return languageProblem(sources, targets, language);
}

function stringProblem(source: string, target: string): TranslationProblem | null {
  if (target === '') {
    return source === '' ? null : 'empty_string';
  }
  if (!keepsNumbers(source, target)) {
    return 'number_changed';
  }
  if (identifiersOf(source).some((identifier) => !target.includes(identifier))) {
    return 'identifier_changed';
  }
  if (addsMarkupOrLink(target, source)) {
    return 'markup_added';
  }
  // A tenth for Chinese, which is dense; four times for German, which is not, and for short strings room.
  const tooLong = target.length > 4 * source.length + 60;
  const tooShort = source.length >= 20 && target.length < source.length / 10;
  return tooLong || tooShort ? 'length' : null;
}

/** `2T1BU…`, `R18`, `4x4`: letters and digits in one word stay as they are. */
function identifiersOf(text: string): readonly string[] {
  return text.match(/\b(?=\w*\d)(?=\w*[A-Za-z])[A-Za-z\d]{2,}\b/g) ?? [];
}

/**
 * Is every number of the source in the target, as often, and none of two digits or more there that is not? Digits of
 * any script count as themselves; a thousands separator may change or go.
 */
export function keepsNumbers(source: string, target: string): boolean {
  return [false, true].some((grouped) => numbersFit(numbersOf(source, grouped), numbersOf(target, grouped)));
}

function numbersFit(sources: readonly string[], targets: readonly string[]): boolean {
  const left = [...targets];
  for (const number of sources) {
    const at = left.indexOf(number);
    if (at === -1) {
      return false;
    }
    left.splice(at, 1);
  }
  return left.every((number) => number.length < 2 || sources.includes(number));
}

function numbersOf(text: string, grouped: boolean): readonly string[] {
  const plain = text.replaceAll(/\p{Nd}/gu, asciiDigit);
  // "1, 200" lists two photos and is left alone: only one separator between digits can be a thousands separator.
  const joined = grouped ? plain.replaceAll(/(?<=\d)[.,'’٬\u00A0\u202F ](?=\d{3}(?!\d))/gu, '') : plain;
  return joined.match(/\d+/g) ?? [];
}

/** Digits of a script stand together in Unicode, in order, so a digit's value is its distance from its zero. */
function asciiDigit(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  for (let value = 0; value <= 9; value++) {
    const zero = code - value;
    if (/^\p{Nd}$/u.test(String.fromCodePoint(zero)) && !/^\p{Nd}$/u.test(String.fromCodePoint(zero - 1))) {
      return String(value);
    }
  }
  return digit;
}

const LETTERS = /\p{L}/gu;
const FEWEST_WORDS = 4;
const LEAST_SHARE = 0.5;

/** Is the text as a whole in the language's script, and not simply the English again? */
function languageProblem(
  sources: readonly string[],
  targets: readonly string[],
  language: string,
): TranslationProblem | null {
  const script = SCRIPTS[scriptOf(language) ?? ''];
  if (script === undefined || canonicalTag(language) === null) {
    throw new RangeError('not a supported language');
  }
  const repeated = targets.some(
    (target, index) => target === sources[index] && (target.match(/\p{L}{2,}/gu) ?? []).length >= FEWEST_WORDS,
  );
  if (repeated) {
    return 'not_translated';
  }
  for (const target of [targets.join(' '), ...targets.filter((text) => count(text, LETTERS) >= 20)]) {
    const letters = count(target, LETTERS);
    if (letters > 0 && count(target, script.letters) < LEAST_SHARE * letters) {
      return 'wrong_script';
    }
  }
  return null;
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
