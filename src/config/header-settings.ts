import type { SettingReader } from './setting-reader.js';

const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
/** What a header may contain. A line end is not allowed, because it would begin another header. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]{1,8192}$/;
/** Headers that describe each single request; a fixed value would make every request invalid. */
const OWN = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'range',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** OPENAI_HEADERS (JSON: name → value, or null to leave one out): what a gateway wants besides the key. */
export function readHeaders(read: SettingReader): Readonly<Record<string, string | null>> {
  const given = read.jsonObject('OPENAI_HEADERS', read.secret('OPENAI_HEADERS')) ?? {};
  const headers: Record<string, string | null> = {};
  const names = new Set<string>();
  for (const [name, value] of Object.entries(given)) {
    const key = name.toLowerCase();
    if (!NAME.test(name)) {
      read.problem('OPENAI_HEADERS: a header name may only hold letters, digits and -');
    } else if (OWN.has(key)) {
      read.problem(`OPENAI_HEADERS: ${key} is set for each request and cannot be fixed`);
    } else if (names.has(key)) {
      read.problem(`OPENAI_HEADERS: ${key} is given twice`);
    } else if (value !== null && (typeof value !== 'string' || !VALUE.test(value))) {
      read.problem('OPENAI_HEADERS: a value must be a text of one line, or null');
    } else {
      headers[name] = value;
    }
    names.add(key);
  }
  return headers;
}
