/** Where the guides are served, and what else of this service a guide may link to. */
export const GUIDES = '/docs/guides';
export const SIGNING_PAGE = '/docs/signing-page';

/** Addresses that a guide writes as code, such as `/docs`. Served, they are links; elsewhere they stay what they are. */
const SERVED: ReadonlySet<string> = new Set([
  '/',
  '/docs',
  '/openapi.json',
  '/health',
  '/ready',
  '/metrics',
  GUIDES,
  SIGNING_PAGE,
]);

/** Files of the source that are served under another address. */
const SERVED_AS: ReadonlyMap<string, string> = new Map([
  ['../README.md', '/'],
  ['../openapi.json', '/openapi.json'],
]);

export function isServed(address: string): boolean {
  return SERVED.has(address);
}

/**
 * Where a link of a guide leads when the guide is served, or null for a file that is in the source alone.
 * @param href - as it stands in the Markdown, where it leads to files
 */
export function servedAddress(href: string): string | null {
  if (/^(https?:|#)/.test(href)) return href;
  const [path = '', anchor] = href.split('#');
  const guide = /^([\w-]+)\.md$/.exec(path)?.[1];
  const address = guide === undefined ? SERVED_AS.get(path) : guideAddress(guide);
  if (address === undefined) return null;
  return anchor === undefined ? address : `${address}#${anchor}`;
}

/** @param name - of the file without its ending */
export function guideAddress(name: string): string {
  return name === 'README' ? GUIDES : `${GUIDES}/${name}`;
}
