/** A name of a model, a version or an id of OpenAI's is no longer than this; what is, is no name. */
const MOST_NAME_CHARACTERS = 200;

/** The text as PostgreSQL can hold it: without U+0000, and with no half of a surrogate pair. */
export function storableText(text: string): string {
  return text.replaceAll('\0', '').replaceAll(/\p{Cs}/gu, '\uFFFD');
}

/** A name or an id that came from outside: on one line, and of a length that names have. */
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

/** How JSON writes U+0000 and halves of surrogate pairs; text that quotes such an escape looks the same. */
const ODD_ESCAPE = /\\u(?:0000|d[89a-f])/i;

/**
 * Whether a text in it cannot be stored, or not be read again.
 * @param json - what JSON.stringify made of the value: it spares most values the walk
 */
export function isUnstorable(value: unknown, json: string): boolean {
  return ODD_ESCAPE.test(json) && holdsUnstorable(value);
}

function holdsUnstorable(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0') || /\p{Cs}/u.test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, member]) => holdsUnstorable(name) || holdsUnstorable(member));
}
