const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};

/** Where a line ends, and where an item of a list begins. */
const LINE_END = /<\/(?:p|li)>/g;
const ITEM = /<li>/g;
const TAG = /<[^>]*>/g;
const ENTITY = /&(?:amp|lt|gt|quot|#39);/g;

/**
 * A description's HTML as plain text: a line for each paragraph and each item, an item with a dot in front. The dot is none of
 * the signs that a spreadsheet takes for the beginning of a formula, as a dash would be.
 */
export function htmlText(html: string): string {
  return html
    .replaceAll(LINE_END, '\n')
    .replaceAll(ITEM, '• ')
    .replaceAll(TAG, '')
    .replaceAll(ENTITY, (entity) => ENTITIES[entity] as string)
    .trimEnd();
}
