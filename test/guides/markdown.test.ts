import { describe, expect, it } from 'vitest';
import { listedGuides, renderGuide } from '../../src/guides/markdown.js';
import { HOSTILE } from '../assessment/fixtures.js';

const html = (markdown: string) => renderGuide(markdown).html;

describe('a guide as HTML', () => {
  it('links between guides lead to their pages, and those to the source say that they do', () => {
    expect(html('[a](texts.md#when-one-rests)')).toContain('<a href="/docs/guides/texts#when-one-rests">a</a>');
    expect(html('[a](README.md)')).toContain('<a href="/docs/guides">a</a>');
    expect(html('[a](../openapi.json) [b](../README.md)')).toContain('<a href="/openapi.json">a</a> <a href="/">b</a>');
    expect(html('[a](../CONTRIBUTING.md)')).toContain('a <span class="mut">(in the source)</span>');
    expect(html('`/docs` and `/etc`')).toContain(
      '<a href="/docs"><code dir="ltr">/docs</code></a> and <code dir="ltr">/etc</code>',
    );
  });

  it('headings have the anchors that GitHub gives them, and the second rank makes the list of sections', () => {
    const guide = renderGuide('# A\n\n## B, and `c`!\n\n## B, and c\n\n### D');
    expect(guide.title).toBe('A');
    expect(guide.sections).toEqual([
      { id: 'b-and-c', title: 'B, and c!' },
      { id: 'b-and-c-1', title: 'B, and c' },
    ]);
  });

  it('whatever HTML stands in a guide stays text, in paragraphs, code, tables and links', () => {
    for (const hostile of HOSTILE) {
      const places = [
        hostile,
        `\`\`\`sh\n${hostile}\n\`\`\``,
        `| a |\n| --- |\n| ${hostile} |`,
        `# ${hostile}`,
        `\`${hostile}\``,
      ];
      for (const place of places) expect(html(`x ${place}`)).not.toMatch(/<script|<img|<svg|<iframe|<style/i);
    }
    expect(html('[a](javascript:alert(1)) ![b](https://elsewhere.test/x.png)')).not.toMatch(/javascript:|<img/);
  });

  it('the list of guides is read from a list of links under headings', () => {
    expect(
      listedGuides('# All\n\n## Use it\n\n- [One](one.md): first, see [two](two.md).\n- [Two](two.md)\n\ntext'),
    ).toEqual([
      {
        title: 'Use it',
        guides: [
          { name: 'one', title: 'One' },
          { name: 'two', title: 'Two' },
        ],
      },
    ]);
  });
});
