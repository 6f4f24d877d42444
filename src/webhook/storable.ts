/** Removes U+0000, which PostgreSQL's text cannot hold. */
export function storable(text: string | null): string | null {
  return text === null ? null : text.replaceAll('\0', '\uFFFD');
}
