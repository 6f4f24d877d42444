/**
 * What a terminal would obey in place of showing it: control characters, marks that change the direction of a line or are not
 * seen, line ends of other scripts, halves of surrogate pairs.
 */
const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const OBEYED_BUT_NEWLINE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A text of a client, a receiver or OpenAI for one line of a terminal, with such characters as JSON writes them. */
export function printable(text: string): string {
  return text.replace(OBEYED, escaped);
}

/** JSON over several lines for a terminal or a program; it reads as the same values. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(OBEYED_BUT_NEWLINE, escaped);
}

function escaped(character: string): string {
  let units = '';
  for (let index = 0; index < character.length; index++) {
    units += `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
  }
  return units;
}
