import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { packagePath } from './package-path.js';

const read = (path: string) => readFileSync(packagePath(path), 'utf8');
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(packagePath('docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

describe('what the pages tell a reader to type', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const commands = pages.flatMap((page) =>
    [...read(page).matchAll(/npm (?:run ([\w:-]+)|(test|start)\b)/g)].map(
      ([, script, short]) => [page, script ?? short ?? ''] as const,
    ),
  );

  it('the commands that the pages tell a reader to type are scripts of package.json', () => {
    expect(commands.length).toBeGreaterThan(8);
    for (const [page, script] of commands) expect(Object.keys(scripts), page).toContain(script);
  });

  it('the files that the pages tell a reader to run are there', () => {
    for (const page of pages) {
      for (const [, target = ''] of read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
        const folder = page.includes('/') ? 'docs/' : '';
        expect(() => read(folder + target), `${page}: ${target}`).not.toThrow();
      }
    }
  });
});
