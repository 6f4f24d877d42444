/** A description in one language as strings in a small layout: what is translated, stored and rendered. */
export interface DescriptionText {
  readonly blocks: readonly DescriptionBlock[];
}

export type DescriptionBlock =
  { readonly kind: 'paragraph'; readonly text: string } | { readonly kind: 'list'; readonly items: readonly string[] };

/** All strings of a text in reading order. */
export function stringsOf(text: DescriptionText): readonly string[] {
  return text.blocks.flatMap((block) => (block.kind === 'paragraph' ? [block.text] : block.items));
}

/**
 * The same layout with other strings: a translation.
 * @throws RangeError when there are not exactly as many as `stringsOf(text)` gives
 */
export function withStrings(text: DescriptionText, strings: readonly string[]): DescriptionText {
  const wanted = stringsOf(text).length;
  if (strings.length !== wanted) {
    throw new RangeError(`${wanted} strings are needed, ${strings.length} were given`);
  }
  let next = 0;
  const blocks = text.blocks.map((block): DescriptionBlock => {
    const from = next;
    next += block.kind === 'paragraph' ? 1 : block.items.length;
    return block.kind === 'paragraph'
      ? { kind: 'paragraph', text: strings[from] ?? '' }
      : { kind: 'list', items: strings.slice(from, next) };
  });
  return { blocks };
}
