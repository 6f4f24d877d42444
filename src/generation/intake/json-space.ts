/** White space between the tokens of JSON. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The bytes without white space around them. */
export function trim(source: Buffer): Buffer {
  let start = 0;
  let end = source.length;
  while (start < end && isSpace(source[start] as number)) start++;
  while (end > start && isSpace(source[end - 1] as number)) end--;
  return source.subarray(start, end);
}
