import { fetchable } from '../assessment/photo-refs.js';
import { photoAtContent } from '../assessment/vision-request.js';

/** The parts of an OpenAI error that may name photos. */
export interface PhotoComplaint {
  readonly param?: string | undefined;
  readonly upstreamMessage?: string | undefined;
}

export interface NamedPhotos {
  /** Indexes of the photos that are certainly meant. */
  readonly named: ReadonlySet<number>;
  /** If none is certain: photos that a cut address or a file name may mean. Empty when the error points to none. */
  readonly among: ReadonlySet<number>;
}

/** How many characters of an error's text are read; OpenAI's have a few hundred. */
const MOST_TEXT = 20_000;
const MOST_ADDRESSES = 200;
/** More characters than any address that is accepted. */
const LONGEST_ADDRESS = 5_000;

/** `input[0].content[7].image_url`, also as `input.0.content.7` or `input.[0].content.[7]`, and in the text. */
const POSITION = /\bcontent(?:\.?\[(\d{1,4})\]|\.(\d{1,4})\b)/g;

/**
 * Finds the photos of a request that an error names: by their position in the request, or by their address. The address
 * may be escaped, percent-encoded or decoded, without fragment or query, cut off, or reduced to its file name.
 * @param urls - the addresses in the order of the photos; null for a photo that was not sent by its address
 */
export function photosNamed(complaint: PhotoComplaint, urls: readonly (string | null)[]): NamedPhotos {
  const { param = '', upstreamMessage = '' } = complaint;
  const named = new Set<number>();
  const among = new Set<number>();
  for (const match of `${param}\n${upstreamMessage}`.matchAll(POSITION)) {
    const index = photoAtContent(Number(match[1] ?? match[2]));
    if (index !== null && index < urls.length) named.add(index);
  }
  const text = plain(upstreamMessage.slice(0, MOST_TEXT));
  const photos = urls.map((url) => (url === null ? [] : spellings(url)));
  let addresses = 0;
  for (const { index: at } of text.matchAll(/https?:\/\//g)) {
    if (++addresses > MOST_ADDRESSES) break;
    add(distinct(addressAt(text, at, photos), urls), named, among);
  }
  if (addresses === 0 && named.size === 0) add(distinct(fileName(text, urls), urls), named, among);
  return { named, among: named.size > 0 ? new Set() : among };
}

function add(found: ReadonlySet<number>, named: Set<number>, among: Set<number>): void {
  const into = found.size === 1 ? named : among;
  for (const index of found) into.add(index);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', apos: "'", quot: '"', lt: '<', gt: '>' };
const ESCAPES =
  /\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|\\(["'\\/()])|&(amp|apos|quot|lt|gt|#\d{1,5}|#x[0-9a-f]{1,4});|((?:%[0-9a-f]{2})+)/g;
/** How often escapes are decoded: an address may have been escaped several times. */
const MOST_ROUNDS = 3;

/** The text in lower case and without any escapes. In this form a text can be searched for an address. */
function plain(text: string): string {
  let before = '';
  let after = text.toLowerCase();
  for (let round = 0; round < MOST_ROUNDS && after !== before; round++) {
    before = after;
    after = before.replace(ESCAPES, (whole, unicode, hex, bare, entity, percents) => {
      if (unicode !== undefined || hex !== undefined)
        return String.fromCharCode(parseInt((unicode ?? hex) as string, 16));
      if (bare !== undefined) return bare as string;
      if (entity !== undefined) return entityOf(entity as string) ?? (whole as string);
      return Buffer.from((percents as string).replaceAll('%', ''), 'hex').toString('utf8');
    });
  }
  return after.normalize('NFC').toLowerCase();
}

function entityOf(name: string): string | undefined {
  if (!name.startsWith('#')) return ENTITIES[name];
  const code = name.startsWith('#x') ? parseInt(name.slice(2), 16) : Number(name.slice(1));
  return String.fromCodePoint(code);
}

/**
 * The forms of an address that still differ without escapes: as given, as sent, as parsed, and without its fragment.
 */
function spellings(url: string): string[] {
  const forms = new Set([url, fetchable(url)]);
  if (URL.canParse(url)) forms.add(new URL(url).href);
  for (const form of forms) forms.add(form.split('#', 1)[0] ?? form);
  // Nearly always they are equal: decoding six equal ones blocked the event loop for 100 ms with long addresses.
  return [...new Set([...forms].map(plain))];
}

/** What may follow an address in a text, such as the end of a sentence, and does not continue it. */
const AFTER_ADDRESS = /(?:[.,;:!?)\]}'"`>]*(?:\s|$)|["'`<>\s])/y;
const CUT = /(?:\.{2,}|…|\[?\.*truncated|\[|[.,;:!?)\]}'"`>]*(?:\s|$)|["'`<>\s])/y;

/** The photos whose address is at `at`: the longest complete one, or else those that begin like a cut address. */
function addressAt(text: string, at: number, photos: readonly (readonly string[])[]): ReadonlySet<number> {
  let longest = 0;
  let whole = new Set<number>();
  let cut = new Set<number>();
  let cutAt = 0;
  const dots = text.slice(at, at + LONGEST_ADDRESS).search(/\.{2,}|…/);
  const ellipsis = dots === -1 ? Number.POSITIVE_INFINITY : at + dots;
  for (const [index, forms] of photos.entries()) {
    for (const form of forms) {
      const shared = sharedLength(text, at, form);
      if (shared === form.length && shared >= longest && matchesAt(AFTER_ADDRESS, text, at + shared)) {
        if (shared > longest) whole = new Set();
        longest = shared;
        whole.add(index);
      }
      // The dots that stand for the rest are not a part of the address, although a name may go on with a dot.
      const begun = Math.min(shared, ellipsis - at);
      // The rest must include a part of the path: a host alone fits every photo on it.
      if (begun > pathStart(form) && begun >= cutAt && matchesAt(CUT, text, at + begun)) {
        if (begun > cutAt) cut = new Set();
        cutAt = begun;
        cut.add(index);
      }
    }
  }
  return whole.size > 0 ? whole : cut;
}

/** Of photos with the same address only the first: the lot lists one photo twice. */
function distinct(indexes: ReadonlySet<number>, urls: readonly (string | null)[]): ReadonlySet<number> {
  const first = new Map([...indexes].reverse().map((index) => [urls[index], index]));
  return new Set(first.values());
}

function pathStart(form: string): number {
  const slash = form.indexOf('/', form.indexOf('//') + 2);
  return slash === -1 ? form.length : slash + 1;
}

function sharedLength(text: string, at: number, form: string): number {
  let length = 0;
  while (length < form.length && text[at + length] === form[length]) length++;
  return length;
}

function matchesAt(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}

/** Shorter names, such as `png`, occur in too many sentences. */
const SHORTEST_NAME = 4;
const WORD = /[\p{L}\p{N}_-]/u;

/** The photos whose file name is in the text; used when it has no address. */
function fileName(text: string, urls: readonly (string | null)[]): ReadonlySet<number> {
  let longest = SHORTEST_NAME;
  let found = new Set<number>();
  for (const [index, url] of urls.entries()) {
    const name = url === null ? '' : plain(/\/\/[^/?#]*\/(?:[^?#]*\/)?([^/?#]*)/.exec(url)?.[1] ?? '');
    if (name.length < longest || !/[.\d]/.test(name) || !hasWord(text, name)) continue;
    if (name.length > longest) found = new Set();
    longest = name.length;
    found.add(index);
  }
  return found;
}

function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    const [before, after] = [text[at - 1], text[at + word.length]];
    if ((before === undefined || !WORD.test(before)) && (after === undefined || !WORD.test(after))) return true;
  }
  return false;
}
