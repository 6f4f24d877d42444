import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SESSIONS } from './guide-sessions.js';
import { packagePath } from './package-path.js';
import { blocksOf, GUIDES, markedBlock, type Block } from './page-blocks.js';

/** What is shown and not run: outputs, data, diagrams, what somebody sees at a terminal. */
const SHOWN = ['text', 'console', 'json', 'html', 'mermaid'];
const RUN = ['sh', 'python', 'js', 'php', 'go', 'java', 'csharp', 'sql'];

const all = GUIDES.flatMap((guide) => blocksOf(guide).map((block) => ({ guide, ...block })));

describe('the blocks of code in the guides', () => {
  it('every block of the guides says what it is: a program, or what is only shown', () => {
    expect(all.length).toBeGreaterThan(60);
    const unclear = all.filter(({ language }) => language === null || ![...SHOWN, ...RUN].includes(language));
    expect(unclear.map(({ guide, language, code }) => [guide, language, code.split('\n')[0]])).toEqual([]);
  });

  it('every program of the guides is run by a test', () => {
    const notRun = all.filter(({ guide, ...block }) => RUN.includes(block.language ?? '') && !isRun(guide, block));
    expect(notRun.map(({ guide, language, code }) => [guide, language, code.split('\n')[0]])).toEqual([]);
  });

  it('every block of JSON in the guides is JSON', () => {
    for (const { guide, code } of all.filter(({ language }) => language === 'json')) {
      expect(() => JSON.parse(code) as unknown, `${guide}: ${code}`).not.toThrow();
    }
  });

  it('a running service shows each guide in its list: docs/README.md names them all', () => {
    const listed = [...readFileSync(packagePath('docs/README.md'), 'utf8').matchAll(/^- \[.*?\]\((.+?)\)/gm)];
    expect(listed.map(([, file = '']) => file).toSorted()).toEqual(
      GUIDES.filter((guide) => guide !== 'README.md').toSorted(),
    );
  });
});

function isRun(guide: string, { language, mark, code }: Block): boolean {
  // signing-samples.test.ts and signing-programs.test.ts take the blocks of docs/signing.md by their marks.
  if (guide === 'signing.md')
    return /^(sample|use): (signed-request|lots-signature|job-signature) \w+$/.test(mark ?? '');
  // test/webhook/docs-samples.test.ts takes these by their number.
  if (guide === 'webhooks.md') {
    const place = blocksOf(guide).filter((block) => block.language === language);
    return place.findIndex((block) => block.code === code) < ({ python: 2, js: 1, php: 1 }[language ?? ''] ?? 0);
  }
  // ops-commands.test.ts runs the commands of its guide.
  if (guide === 'ops-commands.md') return language === 'sh';
  // sessions.test.ts runs all SQL, and the commands of the guides that it lists.
  return language === 'sql' || (language === 'sh' && guide in SESSIONS);
}

describe('what the guides say twice', () => {
  it('the demo starts with the key and on the port that docs/getting-started.md says', () => {
    const demo = readFileSync(packagePath('scripts/demo.mjs'), 'utf8');
    const settings = markedBlock('getting-started.md', 'settings');
    expect(demo).toContain(/SHARED_KEY:=([\w-]+)/.exec(settings)?.[1]);
    expect(demo).toContain(`process.env.PORT ?? ${/:(\d+)\}/.exec(settings)?.[1]}`);
  });
});
