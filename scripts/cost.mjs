/**
 * Writes docs/cost.md: what a lot costs, by what is paid for. `--check` writes nothing and fails when the committed file
 * differs. Needs a build (`npm run build`).
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { costPage } from './cost/page.mjs';

const file = join(import.meta.dirname, '..', 'docs', 'cost.md');
const page = await format(costPage(), { ...(await resolveConfig(file)), parser: 'markdown' });

if (!process.argv.includes('--check')) {
  await writeFile(file, page);
} else if ((await readFile(file, 'utf8')) !== page) {
  console.error('docs/cost.md is not what the code says; run "npm run cost" and commit it.');
  process.exitCode = 1;
}
