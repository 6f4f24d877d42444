/**
 * How many characters of a client's text an answer repeats: enough to recognise it, too few to send a whole request
 * back.
 */
const MAX_ECHO = 200;

/** The beginning of a client's text, cut between characters and never inside one. */
export function cutText(text: string, characters = MAX_ECHO): string {
  if (text.length <= characters) return text;
  let end = 0;
  for (let count = 0; count < characters && end < text.length; count++) {
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  }
  // A slice would keep the whole text in memory for as long as the answer.
  return Buffer.from(text.slice(0, end)).toString();
}
