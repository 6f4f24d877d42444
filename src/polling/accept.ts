interface AcceptedRange {
  readonly type: string;
  readonly quality: number;
  /** Its place in the header. */
  readonly place: number;
}

/**
 * The one of `offered` that an Accept header (RFC 9110) prefers, by quality, then by how closely it is named, then by
 * the header's order. Parameters such as charset and version are ignored. If the header accepts none of them, the first
 * is used, because an answer in another format is better than none.
 * @param offered - media types in lower case, the usual one first
 */
export function preferredType<T extends string>(accept: string | undefined, offered: readonly [T, ...T[]]): T {
  const ranges = acceptedRanges(accept ?? '');
  let best: { readonly type: T; readonly range: AcceptedRange } | undefined;
  for (const type of offered) {
    const range = closest(ranges, type);
    if (range === undefined || range.quality === 0) continue;
    if (best === undefined || isBetter(range, best.range)) best = { type, range };
  }
  return best?.type ?? offered[0];
}

/** A quoted text may contain commas and semicolons. */
const PARTS = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;
const PARAMETERS = /(?:[^;"]|"(?:[^"\\]|\\.)*"?)+/g;

function acceptedRanges(accept: string): AcceptedRange[] {
  return (accept.match(PARTS) ?? []).flatMap((part, place) => {
    const [type = '', ...parameters] = (part.match(PARAMETERS) ?? []).map((text) => text.trim().toLowerCase());
    // Java's URLConnection sends a single * in some clients.
    return type === '' ? [] : [{ type: type === '*' ? '*/*' : type, quality: qualityOf(parameters), place }];
  });
}

function qualityOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=', 2).map((text) => text.trim());
    if (name !== 'q') continue;
    const quality = Number(value.replaceAll('"', ''));
    return value !== '' && quality >= 0 && quality <= 1 ? quality : 1;
  }
  return 1;
}

/** How specific a range is. */
function closeness(range: AcceptedRange): number {
  if (range.type === '*/*') return 0;
  return range.type.endsWith('/*') ? 1 : 2;
}

/** The range that decides about a type: the most specific one that matches it. */
function closest(ranges: readonly AcceptedRange[], type: string): AcceptedRange | undefined {
  const group = `${type.slice(0, type.indexOf('/'))}/*`;
  return ranges
    .filter((range) => range.type === type || range.type === group || range.type === '*/*')
    .toSorted((a, b) => closeness(b) - closeness(a) || b.quality - a.quality || a.place - b.place)[0];
}

function isBetter(range: AcceptedRange, than: AcceptedRange): boolean {
  if (range.quality !== than.quality) return range.quality > than.quality;
  if (closeness(range) !== closeness(than)) return closeness(range) > closeness(than);
  return range.place < than.place;
}
