import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Glossary } from '../../../src/assessment/text/glossary.js';

const folder = join(import.meta.dirname, '..', '..', '..', 'glossaries');

/** Every glossary that is shipped: what is said of one is tried with all. */
export const glossaries: readonly Glossary[] = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Glossary)
  .filter((glossary) => 'sentences' in glossary);

/** With EVERY_ROW=1 everything is tried that there is; else a part of it, so that each glossary takes a second or two. */
export const THOROUGH = process.env['EVERY_ROW'] === '1';

/** How many generated cases one property of one glossary gets. */
export function runs(most: number): number {
  return THOROUGH ? most * 3 : Math.ceil(most / 5);
}
