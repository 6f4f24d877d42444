import GithubSlugger from 'github-slugger';
import { Marked, type Token, type Tokens } from 'marked';
import { escapeHtml } from '../assessment/html.js';
import { isServed, servedAddress } from './served-pages.js';

/** A heading that a page can be entered at. */
interface Section {
  readonly id: string;
  readonly title: string;
}

export interface RenderedGuide {
  readonly title: string;
  /** The sections of the second rank. */
  readonly sections: readonly Section[];
  readonly html: string;
}

interface ListedGuide {
  /** The file's name without its ending. */
  readonly name: string;
  readonly title: string;
}

export interface GuideGroup {
  readonly title: string;
  readonly guides: readonly ListedGuide[];
}

/** How a block of code is called to those who hear the page. */
const BLOCK_NAMES: Readonly<Record<string, string>> = {
  sh: 'Commands',
  python: 'Program in Python',
  js: 'Program in JavaScript',
  php: 'Program in PHP',
  go: 'Program in Go',
  java: 'Program in Java',
  csharp: 'Program in C#',
  json: 'JSON',
  html: 'HTML',
  sql: 'SQL',
  console: 'At the terminal',
  mermaid: 'Diagram, written as text',
};

/** A guide as HTML. What Markdown lets through as HTML stays text, and comments are left out. */
export function renderGuide(markdown: string): RenderedGuide {
  const slugs = new GithubSlugger();
  const sections: Section[] = [];
  let title = '';
  const marked = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth }) {
        const plain = plainText(tokens);
        const id = slugs.slug(plain);
        const inner = this.parser.parseInline(tokens);
        if (depth === 1) {
          title = plain;
          return `<h1 id="${escapeHtml(id)}">${inner}</h1>\n`;
        }
        if (depth === 2) sections.push({ id, title: plain });
        const anchor = `<a class="anchor" href="#${escapeHtml(id)}" aria-label="Link to: ${escapeHtml(plain)}">#</a>`;
        return `<h${depth} id="${escapeHtml(id)}">${inner} ${anchor}</h${depth}>\n`;
      },
      code({ text, lang = '' }) {
        const name = BLOCK_NAMES[lang] ?? 'Text';
        return `<pre tabindex="0" role="group" aria-label="${name}" dir="ltr" class="${lang === '' ? 'text' : escapeHtml(lang)}"><code>${escapeHtml(text)}</code></pre>\n`;
      },
      codespan({ text }) {
        const code = `<code dir="ltr">${escapeHtml(text)}</code>`;
        return isServed(text) ? `<a href="${escapeHtml(text)}">${code}</a>` : code;
      },
      link({ href, tokens }) {
        const address = servedAddress(href);
        const inner = this.parser.parseInline(tokens);
        if (address === null) return `${inner} <span class="mut">(in the source)</span>`;
        return `<a href="${escapeHtml(address)}">${inner}</a>`;
      },
      html: ({ text }) => (text.trimStart().startsWith('<!--') ? '' : escapeHtml(text)),
      image: ({ text }) => escapeHtml(text),
      table(token) {
        const head = token.header.map((cell) => tableCell('th', cell, this.parser.parseInline(cell.tokens))).join('');
        const rows = token.rows.map(
          (row) =>
            `<tr>${row.map((cell) => tableCell('td', cell, this.parser.parseInline(cell.tokens))).join('')}</tr>`,
        );
        return `<div class="table" tabindex="0" role="group" aria-label="Table"><table><thead><tr>${head}</tr></thead>\n<tbody>${rows.join('\n')}</tbody></table></div>\n`;
      },
    },
  });
  const html = marked.parse(markdown, { async: false });
  return { title, sections, html };
}

/** The guides in the order of the list that docs/README.md is: a heading of the second rank for each group. */
export function listedGuides(readme: string): GuideGroup[] {
  const groups: { title: string; guides: ListedGuide[] }[] = [];
  for (const token of new Marked().lexer(readme)) {
    if (token.type === 'heading' && token.depth === 2)
      groups.push({ title: plainText(token.tokens ?? []), guides: [] });
    if (token.type !== 'list') continue;
    for (const item of (token as Tokens.List).items) {
      const link = linkOf(item.tokens);
      const name = /^([\w-]+)\.md$/.exec(link?.href ?? '')?.[1];
      if (link !== undefined && name !== undefined) groups.at(-1)?.guides.push({ name, title: plainText(link.tokens) });
    }
  }
  return groups;
}

function linkOf(tokens: readonly Token[]): Tokens.Link | undefined {
  for (const token of tokens) {
    if (token.type === 'link') return token as Tokens.Link;
    const inner = linkOf(('tokens' in token ? token.tokens : undefined) ?? []);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

function tableCell(name: 'th' | 'td', { align, header }: Tokens.TableCell, inner: string): string {
  // A column of figures is aligned to its end; an empty head names nothing, so it is a plain cell.
  const element = name === 'th' && inner === '' ? 'td' : name;
  const side = align === 'right' ? ' class="figure"' : '';
  return `<${element}${side}${header && element === 'th' ? ' scope="col"' : ''}>${inner}</${element}>`;
}

function plainText(tokens: readonly Token[]): string {
  return tokens
    .map((token) =>
      'tokens' in token && token.tokens !== undefined
        ? plainText(token.tokens)
        : 'text' in token
          ? String(token.text)
          : '',
    )
    .join('');
}
