/**
 * The source text of a primitive member at the top level of a JSON object, as it was sent. JSON.parse alone cannot tell
 * 1 from 1.0 and drops digits beyond 2^53. One pass without a regular expression over strings, because such a pattern
 * with alternatives overflows the stack on a string of 250 KB.
 * @param source - a valid JSON object
 * @returns the token of the last member of that name, or null
 */
export function topLevelToken(source: string, name: string): string | null {
  let depth = 0;
  let key: string | null = null;
  let found: string | null = null;
  for (let at = 0; at < source.length;) {
    const char = source[at] as string;
    if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') depth--;
    if (' \t\n\r:,{}[]'.includes(char)) {
      // A value that is an object or an array ends its member without a token.
      if (depth === 1 && (char === '}' || char === ']')) key = null;
      at++;
      continue;
    }
    const end = char === '"' ? endOfString(source, at) : endOfWord(source, at);
    if (depth === 1) {
      // Tokens at depth 1 alternate: a key, then (unless a bracket opens) its value.
      if (key === null) key = JSON.parse(source.slice(at, end)) as string;
      else {
        if (key === name) found = source.slice(at, end);
        key = null;
      }
    }
    at = end;
  }
  return found;
}

function endOfString(source: string, start: number): number {
  let at = start + 1;
  while (at < source.length && source[at] !== '"') at += source[at] === '\\' ? 2 : 1;
  return at + 1;
}

function endOfWord(source: string, start: number): number {
  let at = start;
  while (at < source.length && !' \t\n\r:,{}[]"'.includes(source[at] as string)) at++;
  return at;
}
