/**
 * The head of an HTTP answer, read as strictly as undici reads it but with the tolerance of browsers and curl. undici's
 * parser fails on things that every browser accepts: an unasked `100 Continue`, a length that is given twice or
 * together with chunked, a header name with a space, bare LF line ends, long headers. A receiver that answers in this
 * way has accepted its delivery, and a photo on such a host exists.
 */

/** The longest head that is passed to undici unchanged, which is undici's own limit. */
const STRICT_BYTES = 16_384;

const STATUS_LINE = /^HTTP\/\d(?:\.\d+)? +(\d{3})(?:[ \t]|$)/i;
const STRICT_STATUS_LINE = /^HTTP\/1\.[01] \d{3}(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:[ \t]*(.*?)[ \t]*$/;
/** As the strict parser requires it: nothing between the name and the colon, no control characters. */
const STRICT_FIELD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/;

/** The fields of an odd head that this service reads; the fields that frame the body are judged separately. */
const KEPT: ReadonlySet<string> = new Set([
  'content-type',
  'content-encoding',
  'content-range',
  'location',
  'retry-after',
]);

export type AnswerHead =
  /** `100`, `102`, `103`: an announcement, after which the answer is still to come. */
  | { readonly kind: 'interim' }
  /** To be passed on unchanged. */
  | { readonly kind: 'plain' }
  /** To be passed on as `head`: the same content in valid form, plus `connection: close`. */
  | { readonly kind: 'odd'; readonly head: Buffer }
  /** Not an answer to the request: not HTTP, or `101`. */
  | { readonly kind: 'unusable' };

/**
 * Where the head ends: after the first empty line, however lines end.
 * @returns the number of its bytes, or -1 while its end has not come
 */
export function endOfHead(bytes: Buffer): number {
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) {
    if (bytes[at + 1] === 0x0a) return at + 2;
    if (bytes[at + 1] === 0x0d && bytes[at + 2] === 0x0a) return at + 3;
  }
  return -1;
}

/**
 * @param bytes - a whole head, up to and with its empty line
 * @param announced - unasked announcements came before it, so its connection is not used again
 */
export function readHead(bytes: Buffer, announced: boolean): AnswerHead {
  const text = bytes.toString('latin1');
  const [first = '', ...lines] = text.trim().split(/\r?\n/);
  const code = STATUS_LINE.exec(first)?.[1];
  if (code === undefined) return { kind: 'unusable' };
  const status = Number(code);
  if (status === 101 || status < 100) return { kind: 'unusable' };
  if (status < 200) return { kind: 'interim' };
  const fields = fieldsOf(lines);
  const strict =
    !announced &&
    bytes.length <= STRICT_BYTES &&
    text.startsWith('HTTP') &&
    !/[^\r]\n/.test(text) &&
    STRICT_STATUS_LINE.test(first) &&
    lines.every((line) => STRICT_FIELD.test(line)) &&
    isFramedOnce(fields);
  return strict ? { kind: 'plain' } : { kind: 'odd', head: orderly(status, fields) };
}

type Fields = ReadonlyMap<string, readonly string[]>;

/** The well-formed lines by name in lower case; a line that goes on in the next (obsolete folding) counts as one. */
function fieldsOf(lines: readonly string[]): Fields {
  const fields = new Map<string, string[]>();
  let last: string[] | undefined;
  for (const line of lines) {
    if (/^[ \t]/.test(line) && last !== undefined) {
      last.push(`${last.pop() ?? ''} ${line.trim()}`);
      continue;
    }
    const [, name, value = ''] = FIELD.exec(line) ?? [];
    if (name === undefined) {
      last = undefined;
      continue;
    }
    const key = name.toLowerCase();
    last = fields.get(key) ?? [];
    last.push(value);
    fields.set(key, last);
  }
  return fields;
}

/** At most one of length and chunked, and only once. */
function isFramedOnce(fields: Fields): boolean {
  const length = fields.get('content-length');
  const coding = fields.get('transfer-encoding');
  if (length !== undefined && coding !== undefined) return false;
  if (length !== undefined) return length.length === 1 && /^\d{1,15}$/.test(length[0] ?? '');
  return coding === undefined || (coding.length === 1 && coding[0]?.toLowerCase() === 'chunked');
}

/**
 * As browsers frame a body: by chunks where they are the last coding, else by a length that all fields agree on, else
 * by the end of the connection. In any case no second answer is read from this connection, so a wrong decision cannot
 * affect another request.
 */
function orderly(status: number, fields: Fields): Buffer {
  let head = `HTTP/1.1 ${status} \r\nconnection: close\r\n`;
  const codings = listOf(fields.get('transfer-encoding')).filter((coding) => coding.toLowerCase() !== 'identity');
  const lengths = new Set(listOf(fields.get('content-length')).map((length) => length.replace(/^0+(?=\d)/, '')));
  const [length] = lengths;
  if (codings.at(-1)?.toLowerCase() === 'chunked') head += 'transfer-encoding: chunked\r\n';
  else if (codings.length === 0 && lengths.size === 1 && length !== undefined && /^\d{1,15}$/.test(length)) {
    head += `content-length: ${length}\r\n`;
  }
  for (const [name, values] of fields) {
    const value = KEPT.has(name) ? values[0]?.replace(/[^\t\x20-\x7e\x80-\xff]/g, '') : undefined;
    if (value !== undefined && value.length < STRICT_BYTES / KEPT.size / 2) head += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${head}\r\n`, 'latin1');
}

function listOf(values: readonly string[] | undefined): string[] {
  return (values ?? []).flatMap((value) => value.split(',')).map((item) => item.trim());
}
