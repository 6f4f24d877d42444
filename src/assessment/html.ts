import type { DescriptionText } from './description.js';
import { cleanText } from './model-text.js';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it may stand in HTML, between tags or in a quoted attribute: five characters escaped. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/**
 * A description as HTML: `<p>`, `<ul>` and `<li>` without attributes around escaped text, nothing else, whatever the
 * strings hold. Control, bidi and invisible characters are removed; empty strings and empty lists leave no element.
 */
export function renderHtml(text: DescriptionText): string {
  return text.blocks
    .map((block) => {
      if (block.kind === 'paragraph') {
        return element('p', block.text);
      }
      if (block.kind === 'note') {
        return block.note === null ? '' : element('p', `${block.before}${block.note}${block.after}`);
      }
      const items = block.items.map((item) => element('li', item)).join('');
      return items === '' ? '' : `<ul>${items}</ul>`;
    })
    .join('');
}

function element(name: 'p' | 'li', text: string): string {
  const clean = cleanText(text);
  return clean === '' ? '' : `<${name}>${escapeHtml(clean)}</${name}>`;
}
