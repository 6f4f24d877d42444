import type { NumberForm } from './grammar.js';

/** More digits than these no number of a text has; a longer run is no number. */
const MOST_DIGITS = 9;
const ASCII = '0123456789';

/** Digits as photos and counts are written, without a zero at the front. */
export const plainNumber: NumberForm = {
  characters: ASCII,
  at: (text, from) => {
    let end = from;
    while (ASCII.includes(text.charAt(end)) && end < text.length && end - from <= MOST_DIGITS) end++;
    if (end === from || end - from > MOST_DIGITS || text.charAt(from) === '0') return null;
    return { end, value: Number(text.slice(from, end)) };
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
    characters: [...digits.keys(), ...groups].join(''),
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
