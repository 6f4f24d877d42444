import type { NumberForm } from './grammar.js';

/** More digits than these no number of a text has; a longer run is no number. */
const MOST_DIGITS = 9;
const ZERO = 48;

/** Digits as photos and counts are written, without a zero at the front. */
export const plainNumber: NumberForm = {
  characters: ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0'],
  at: (text, from) => {
    let end = from;
    let value = 0;
    for (; end < text.length && end - from <= MOST_DIGITS; end++) {
      const digit = text.charCodeAt(end) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    return end === from || end - from > MOST_DIGITS || text.charCodeAt(from) === ZERO ? null : { end, value };
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
      let value = 0;
      let count = 0;
      let end = from;
      for (let at = from; at < text.length && count <= MOST_DIGITS;) {
        const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
        const digit = digits.get(character);
        if (digit === undefined && !(count > 0 && groups.has(character))) break;
        at += character.length;
        if (digit === undefined) continue;
        value = value * 10 + digit;
        count++;
        // A separator behind the last digit belongs to what follows.
        end = at;
      }
      if (count === 0 || count > MOST_DIGITS) return null;
      return format.format(value) === text.slice(from, end) ? { end, value } : null;
    },
  };
}
