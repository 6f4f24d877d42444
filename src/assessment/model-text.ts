/**
 * Free text that a model wrote is the one place where a hostile listing or a sticker on a windscreen could speak to a
 * buyer. It is cleaned, judged, and dropped when it says anything but what a damage looks like.
 */

/** Stands in the instructions and nowhere else: where it appears in an answer, the model recited its instructions. */
export const PROMPT_CANARY = 'condition-desk-7c41e9';

/** Why a text of the model's is not used. */
export type TextProblem = 'link' | 'contact' | 'markup' | 'instruction' | 'encoded' | 'script' | 'length';

const MOST_CHARACTERS = 400;

// Controls, bidi marks and overrides, zero-width and other characters that draw nothing, lone surrogates. The joiners
// are judged apart; Mongolian's variation selectors choose a letter's form.
const INVISIBLE = /(?!\u200C|\u200D|[\u180B-\u180D\u180F])[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;
// Persian and many Indic languages are misspelt without their joiners; anywhere else these only hide things.
const JOINER =
  /(?<![\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Mongolian}])[\u200C\u200D]/gu;

/** The text on one line, composed, without invisible characters; applying it twice changes nothing more. */
export function cleanText(text: string): string {
  return text
    .normalize('NFC')
    .replaceAll(/[\t\n\v\f\r\u0085]+/g, ' ')
    .replaceAll(INVISIBLE, '')
    .replaceAll(JOINER, '')
    .normalize('NFC')
    .replaceAll(/\s+/gu, ' ')
    .trim();
}

const LINK = /\b[a-z][a-z0-9+.-]{1,20}:\/\/|\bwww\.|\b(?:javascript|vbscript|data|mailto|tel):|\]\s*\(|!\[/i;
const DOMAIN =
  /\b[\p{L}\p{N}-]{2,}\.(?:com|net|org|io|ru|info|biz|co|app|dev|test|xyz|top|site|online|shop|me|ly|gg|de|uk|cn)\b/iu;
const CONTACT = /[^\s@]+@[^\s@]+\.[^\s@]+|(?:\+|\b00)\d[\d\s().-]{6,}\d|\b\d(?:[\s().-]?\d){9,}\b/;
const MARKUP = /<\s*[a-z!/?|]|\|\s*>|&(?:#\d+|#x[\da-f]+|[a-z]{2,8});|`{3}|"\s*\}|\}\s*\]|\{\{|\\u[\da-f]{4}/i;
const PHRASES =
  /\b(?:ignore|disregard|forget)\b.{0,40}\b(?:previous|above|prior|all|instructions?|rules?|prompt)\b|\bsystem\s*(?:prompt|message|override)\b|\bdeveloper\s*mode\b|\byou are now\b|\bact as\b|\bas an? (?:ai|language model)\b|\bjailbreak|\bmy instructions\b|^\s*(?:thought|action|observation|system|assistant|user|developer)\s*:/i;
const ENCODED = /[A-Za-z0-9+/=_-]{40,}/;
const OTHER_SCRIPT = /(?!\p{Script=Latin})\p{L}/u;
const SQUEEZED =
  /ignore(?:all|the|any)?(?:previous|prior|above)|systemprompt|developermode|disregard(?:all|previous|the)/;

/**
 * What speaks against showing this English text to a buyer; null when nothing does.
 * @param text - as `cleanText` gives it
 */
export function textProblem(text: string): TextProblem | null {
  // First, because some patterns take the square of a text's length.
  if (text.length > MOST_CHARACTERS) {
    return 'length';
  }
  if (LINK.test(text) || DOMAIN.test(text)) {
    return 'link';
  }
  if (CONTACT.test(text)) {
    return 'contact';
  }
  if (MARKUP.test(text)) {
    return 'markup';
  }
  if (text.includes(PROMPT_CANARY) || PHRASES.test(text) || hidesInstruction(text)) {
    return 'instruction';
  }
  if (ENCODED.test(text)) {
    return 'encoded';
  }
  // The English text has one alphabet: a Cyrillic letter in it is a look-alike or another language.
  return OTHER_SCRIPT.test(text) ? 'script' : null;
}

/** Does a translation carry what its English source does not: a link, an address, markup? */
export function addsMarkupOrLink(text: string, source: string): boolean {
  return [LINK, CONTACT, MARKUP].some((pattern) => pattern.test(text) && !pattern.test(source));
}

const STRONG = new Set(
  ['ignore', 'disregard', 'bypass', 'override', 'reveal', 'instructions', 'prompt', 'jailbreak'].map(scramble),
);
const WEAK = new Set(['previous', 'system', 'developer', 'rules', 'safety', 'assistant'].map(scramble));

/** Spaced letters ("i g n o r e  p r e v i o u s") and scrambled ones ("ignroe prevoius"): models read both. */
function hidesInstruction(text: string): boolean {
  const squeezed = text.toLowerCase().replaceAll(/[^a-z]/g, '');
  if (SQUEEZED.test(squeezed)) {
    return true;
  }
  const words = new Set(
    text
      .toLowerCase()
      .split(/[^a-z]+/)
      .map(scramble),
  );
  const strong = [...words].filter((word) => STRONG.has(word)).length;
  const weak = [...words].filter((word) => WEAK.has(word)).length;
  return strong >= 2 || (strong === 1 && weak >= 1);
}

/** The word with its inner letters sorted: the same for every scrambling that keeps the first and last. */
function scramble(word: string): string {
  return word.length < 4 ? word : `${word[0]}${word.slice(1, -1).split('').toSorted().join('')}${word.at(-1)}`;
}

const UNDAMAGED =
  /\bundamaged\b|\bintact\b|\bflawless\b|\bimmaculate\b|\bmint\b|\bno (?:other |further |visible |additional |signs? of )*(?:damage|defects?|issues?|accidents?)\b|\b(?:perfect|excellent|good|great) condition\b|\bdamage[- ]free\b|\baccident[- ]free\b/i;

/** True when the text calls something undamaged. A photo cannot prove that, so rows may only report damage. */
export function claimsUndamaged(text: string): boolean {
  return UNDAMAGED.test(text);
}
