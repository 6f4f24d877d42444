import type { NumberForm } from './grammar.js';

/** More digits than these no number of a text has. */
const MOST_DIGITS = 9;
const ZERO = 48;

/** Digits as photos and counts are written, without a zero at the front. */
export const plainNumber: NumberForm = {
  characters: ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0'],
  at: (text, from) => {
    const found: { end: number; value: number }[] = [];
    let value = 0;
    for (let at = from; at < text.length && at - from < MOST_DIGITS; at++) {
      const digit = text.charCodeAt(at) - ZERO;
      if (digit < 0 || digit > 9 || (digit === 0 && value === 0)) break;
      value = value * 10 + digit;
      found.push({ end: at + 1, value });
    }
    return found;
  },
};

/** A whole number as Intl writes it in a locale: with its digits, in its groups, and not otherwise. */
export function localNumber(locale: string): NumberForm {
  const format = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const ungrouped = new Intl.NumberFormat(locale, { useGrouping: false });
  const digits = new Map(Array.from({ length: 10 }, (_, digit) => [ungrouped.format(digit), digit]));
  const groups = new Set(
    format
      .formatToParts(1_234_567_890)
      .filter(({ type }) => type === 'group')
      .map(({ value }) => value),
  );
  return {
    characters: [...[...digits.keys()].toReversed(), ...groups],
    at: (text, from) => {
      const found: { end: number; value: number }[] = [];
      let value = 0;
      let count = 0;
      for (let at = from; at < text.length && count < MOST_DIGITS;) {
        const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
        const digit = digits.get(character);
        if (digit === undefined && !(count > 0 && groups.has(character))) break;
        at += character.length;
        if (digit === undefined) continue;
        value = value * 10 + digit;
        count++;
        if (format.format(value) === text.slice(from, at)) found.push({ end: at, value });
      }
      return found;
    },
  };
}
