import { describe, expect, it } from 'vitest';
import { escapeHtml, renderHtml } from '../../src/assessment/html.js';
import { htmlText } from '../../src/polling/html-text.js';

describe('htmlText', () => {
  it('htmlText writes a line for each paragraph and each item, with the signs that HTML escapes', () => {
    const html = renderHtml({
      blocks: [
        { kind: 'paragraph', text: 'Front & "left" side' },
        { kind: 'list', items: ["Door: driver's scratch < 5 cm", 'Bumper: dent'] },
        { kind: 'paragraph', text: 'Nothing else.' },
      ],
    });
    expect(htmlText(html)).toBe('Front & "left" side\n• Door: driver\'s scratch < 5 cm\n• Bumper: dent\nNothing else.');
  });

  it.each(['&amp;lt;', '<b>', '&#39;', 'a &nbsp; b', '', '• x'])(
    'htmlText gives back %j as it was before it was escaped',
    (text) => {
      expect(htmlText(`<p>${escapeHtml(text)}</p>`)).toBe(text);
    },
  );
});
