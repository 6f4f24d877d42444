import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Request, Response } from 'express';
import { pagePolicy } from '../common/page-policy.js';
import { listedGuides, renderGuide, type GuideGroup } from './markdown.js';
import { guidePage } from './page-frame.js';
import { guideAddress, SIGNING_PAGE } from './served-pages.js';
import { signingPage } from './signing-page.js';

const SCRIPT = 'text/javascript';
const ASSETS = {
  'guides.css': 'text/css',
  'signing-mistakes.js': SCRIPT,
  'signing-search.js': SCRIPT,
  'signing-check.js': SCRIPT,
  'signing-page.js': SCRIPT,
} as const;

/**
 * Serves the guides and the page that checks a signature, everything from this process.
 * @param packageRoot - the folder that holds docs/
 */
export function setUpGuides(app: NestExpressApplication, packageRoot: string): void {
  const docs = join(packageRoot, 'docs');
  const http = app.getHttpAdapter().getInstance();
  const get = (path: string, type: string, policy: string, body: () => string) =>
    http.get(path, (_request: Request, response: Response) => {
      response.setHeader('Content-Security-Policy', policy);
      response.type(type).send(body());
    });
  for (const [file, type] of Object.entries(ASSETS)) {
    const text = readFileSync(join(import.meta.dirname, 'browser', file), 'utf8');
    get(`/docs-assets/${file}`, type, pagePolicy(), () => text);
  }
  // This page sees a secret, and may connect to nothing at all.
  get(SIGNING_PAGE, 'text/html', pagePolicy({ connects: false }), signingPage);
  const names = readdirSync(docs).flatMap((file) => /^(.+)\.md$/.exec(file)?.[1] ?? []);
  for (const name of names) {
    // Made when it is first asked for, because most processes are never asked.
    let page: string | undefined;
    get(guideAddress(name), 'text/html', pagePolicy(), () => (page ??= pageOf(docs, name, names)));
  }
}

function pageOf(docs: string, name: string, names: readonly string[]): string {
  return guidePage(name, renderGuide(textOf(docs, name)), groupsOf(docs, names));
}

/** The groups of docs/README.md, and behind them the guides that it does not list. */
function groupsOf(docs: string, names: readonly string[]): readonly GuideGroup[] {
  const groups = listedGuides(textOf(docs, 'README'));
  const listed = new Set(groups.flatMap(({ guides }) => guides.map(({ name }) => name)));
  const rest = names.filter((name) => name !== 'README' && !listed.has(name));
  if (rest.length === 0) return groups;
  return [
    ...groups,
    { title: 'More', guides: rest.map((name) => ({ name, title: renderGuide(textOf(docs, name)).title })) },
  ];
}

function textOf(docs: string, name: string): string {
  return readFileSync(join(docs, `${name}.md`), 'utf8');
}
