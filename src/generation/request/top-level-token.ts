/**
 * The source text of a primitive member at the top level of a JSON object, as it was sent.
 * JSON.parse alone cannot tell 1 from 1.0 and drops digits beyond 2^53.
 * @param source - a valid JSON object
 * @returns the token of the last member of that name, or null
 */
export function topLevelToken(source: string, name: string): string | null {
  let depth = 0;
  let key: string | null = null;
  let found: string | null = null;
  const tokens = /"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s"[\]{}:,]+/g;
  for (let match = tokens.exec(source); match !== null; match = tokens.exec(source)) {
    const token = match[0];
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    else if (token === ':' || token === ',') continue;
    else if (depth === 1) {
      if (key === null) {
        // Strings at depth 1 alternate: a key, then (unless a bracket opens) its value.
        key = JSON.parse(token) as string;
        continue;
      }
      if (key === name) found = token;
      key = null;
      continue;
    }
    if (depth === 1) key = null;
  }
  return found;
}
