import { escapeHtml } from '../assessment/html.js';
import type { GuideGroup, RenderedGuide } from './markdown.js';
import { guideAddress, GUIDES, SIGNING_PAGE } from './served-pages.js';

interface Page {
  readonly title: string;
  /** HTML. */
  readonly main: string;
  /** HTML behind the main part: how to get elsewhere. */
  readonly aside?: string;
  readonly scripts?: readonly string[];
}

const LINKS = [
  ['/', 'Home'],
  [GUIDES, 'Guides'],
  ['/docs', 'API documentation'],
  [SIGNING_PAGE, 'Check a signature'],
] as const;

/** A page of ours around its main part. It holds no inline script and no inline style. */
export function pageFrame({ title, main, aside = '', scripts = [] }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} – Generation Service</title>
<link rel="icon" href="/home-assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/home-assets/home.css">
<link rel="stylesheet" href="/docs-assets/guides.css">
${scripts.map((address) => `<script src="${address}" defer></script>\n`).join('')}</head>
<body>
<a class="skip" href="#main">Skip to the text</a>
<header>
<strong class="name">Generation Service</strong>
<nav aria-label="Pages">
${LINKS.map(([address, name]) => `<a href="${address}">${name}</a>`).join('\n')}
</nav>
</header>
<div class="columns">
<main id="main" tabindex="-1">
${main}
</main>
${aside}
</div>
<footer>
<a href="/docs">API documentation</a>
<a href="/openapi.json">openapi.json</a>
<a href="/health">Health</a>
</footer>
</body>
</html>
`;
}

/** A guide with the way to all others. */
export function guidePage(
  name: string,
  { title, sections, html }: RenderedGuide,
  groups: readonly GuideGroup[],
): string {
  const order = groups.flatMap(({ guides }) => guides);
  const place = order.findIndex((guide) => guide.name === name);
  const before = order[place - 1];
  const after = name === 'README' ? order[0] : order[place + 1];
  const turns = [
    place > 0 && before !== undefined
      ? `<a rel="prev" href="${guideAddress(before.name)}">← ${escapeHtml(before.title)}</a>`
      : '',
    (place >= 0 || name === 'README') && after !== undefined
      ? `<a rel="next" href="${guideAddress(after.name)}">${escapeHtml(after.title)} →</a>`
      : '',
  ];
  const within =
    sections.length < 2
      ? ''
      : `<ul>${sections.map((section) => `<li><a href="#${escapeHtml(section.id)}">${escapeHtml(section.title)}</a></li>`).join('')}</ul>`;
  const lists = groups.map(
    (group) => `<h2>${escapeHtml(group.title)}</h2>
<ul>${group.guides
      .map((guide) => {
        const isHere = guide.name === name;
        const current = isHere ? ' aria-current="page"' : '';
        return `<li><a href="${guideAddress(guide.name)}"${current}>${escapeHtml(guide.title)}</a>${isHere ? within : ''}</li>`;
      })
      .join('\n')}</ul>`,
  );
  return pageFrame({
    title,
    main: `<article>\n<p class="to-all"><a href="#guides">All guides and sections</a></p>\n${html}</article>
<nav class="turns" aria-label="Next guides">${turns.join('')}</nav>`,
    aside: `<nav class="guides" id="guides" aria-label="Guides">\n${lists.join('\n')}\n</nav>`,
  });
}
