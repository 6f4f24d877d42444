import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringsOf, withStrings } from '../../src/assessment/description.js';
import type { DescriptionText } from '../../src/assessment/description.js';
import { escapeHtml, renderHtml } from '../../src/assessment/html.js';
import { cleanText } from '../../src/assessment/model-text.js';
import { HOSTILE } from './fixtures.js';

const anyText: fc.Arbitrary<DescriptionText> = fc.record({
  blocks: fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant('paragraph' as const),
        text: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...HOSTILE)),
      }),
      fc.record({ kind: fc.constant('list' as const), items: fc.array(fc.string({ unit: 'binary' })) }),
    ),
  ),
});

describe('stringsOf and withStrings', () => {
  it('take a text apart and put it together again', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(withStrings(text, stringsOf(text))).toEqual(text);
      }),
    );
  });

  it('refuse another number of strings', () => {
    const text: DescriptionText = { blocks: [{ kind: 'paragraph', text: 'a' }] };
    expect(() => withStrings(text, [])).toThrow(RangeError);
    expect(() => withStrings(text, ['a', 'b'])).toThrow(RangeError);
  });
});

describe('renderHtml', () => {
  it('makes paragraphs and lists, and nothing of what is empty', () => {
    const text: DescriptionText = {
      blocks: [
        { kind: 'paragraph', text: 'A & B' },
        { kind: 'list', items: ['<x>', ' ', '"y" \'z\''] },
        { kind: 'list', items: [] },
        { kind: 'paragraph', text: '\u200B' },
      ],
    };
    expect(renderHtml(text)).toBe('<p>A &amp; B</p><ul><li>&lt;x&gt;</li><li>&quot;y&quot; &#39;z&#39;</li></ul>');
  });

  it('leaves only its three elements, without attributes, whatever the strings hold', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const html = renderHtml(text);
        const words = html.replaceAll(/<\/?(?:p|ul|li)>/g, '');
        expect(words).not.toMatch(/[<>"']/);
        expect(words).not.toMatch(/&(?!(?:amp|lt|gt|quot|#39);)/);
        expect(words).not.toMatch(/[\p{Cc}\u202A-\u202E\u2066-\u2069\u200B\u200E\u200F]/u);
      }),
    );
  });

  it('does not decode twice', () => {
    expect(escapeHtml('&lt;script&gt;')).toBe('&amp;lt;script&amp;gt;');
  });

  it('keeps the joiners that Persian and Hindi are spelt with', () => {
    expect(cleanText('می\u200Cشود')).toBe('می\u200Cشود');
    expect(cleanText('क्\u200Dष')).toBe('क्\u200Dष');
    expect(cleanText('a\u200Cb\u200Dc')).toBe('abc');
  });

  it('cleans once and for all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(cleanText(cleanText(text))).toBe(cleanText(text));
      }),
    );
  });
});
