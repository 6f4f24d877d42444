/** Names of models, versions and ids of OpenAI are not longer than this; longer ones are cut. */
const MOST_NAME_CHARACTERS = 200;

/** Makes a text that PostgreSQL can hold: without U+0000, and without halves of surrogate pairs. */
export function storableText(text: string): string {
  return text.replaceAll('\0', '').replaceAll(/\p{Cs}/gu, '\uFFFD');
}

/** Makes a name or an id from outside storable: on one line, and not too long. */
export function storableName(name: string): string {
  // Most names are short and plain, and this runs for every row.
  if (name.length <= MOST_NAME_CHARACTERS && /^[\x20-\x7e]*$/.test(name)) return name;
  return storableText(name)
    .replaceAll(/\p{Cc}/gu, '')
    .slice(0, MOST_NAME_CHARACTERS)
    .replaceAll(/\p{Cs}/gu, '');
}

/** The value with {@link storableText} applied to all its texts and the names of its members. */
export function storableJson(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(storableJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [storableText(name), storableJson(member)]));
}

/** How JSON writes U+0000 and halves of surrogate pairs. A text that quotes such an escape also matches. */
const ODD_ESCAPE = /\\u(?:0000|d[89a-f])/i;

/**
 * Whether the value has a text that cannot be stored, or cannot be read again.
 * @param json - the value as JSON.stringify wrote it: for most values, looking at it is enough
 */
export function isUnstorable(value: unknown, json: string): boolean {
  return ODD_ESCAPE.test(json) && holdsUnstorable(value);
}

function holdsUnstorable(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0') || /\p{Cs}/u.test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, member]) => holdsUnstorable(name) || holdsUnstorable(member));
}
