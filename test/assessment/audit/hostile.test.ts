import { describe, expect, it } from 'vitest';
import { readText } from '../../../src/assessment/audit/reader.js';
import type { DescriptionText } from '../../../src/assessment/description.js';
import type { Glossary } from '../../../src/assessment/text/glossary.js';
import { renderText } from '../../../src/assessment/text/render.js';
import { glossaries } from './glossaries.js';
import { everyRow } from './every-row.js';

const english = glossaries.find(({ tag }) => tag === 'en') as Glossary;
const LONG = 99_000;

/** Texts that would keep a reader busy that goes back and tries again: each repeats what can be read in part. */
const REPEATED: readonly string[] = [
  'Door: dent, minor; ',
  'Door: dent, minor (photos 1, 2, 3',
  'dent, minor; ',
  'Possible possible ',
  'Left front left front ',
  '1',
  '1, ',
  '1–',
  '(',
  ' ',
  '.',
  '\u0000',
  '\u{1F600}',
  '\uD800',
  '{place}: {damages}',
];

describe('a text by a stranger', () => {
  it.each(REPEATED.map((part) => ({ part })))('is refused, however often it repeats $part', ({ part }) => {
    const long = part.repeat(Math.floor(LONG / part.length));
    for (const string of [long, `Door: dent, minor (photos ${long}`, `Door: ${long}`, `Only partly visible: ${long}`]) {
      const paragraph: DescriptionText = { blocks: [{ kind: 'paragraph', text: string.slice(0, LONG) }] };
      const list: DescriptionText = { blocks: [{ kind: 'list', items: [string.slice(0, LONG)] }] };
      expect(readText(paragraph, english)).toEqual({ unreadable: 'string', at: 0 });
      expect(readText(list, english)).toEqual({ unreadable: 'string', at: 0 });
    }
  });

  it('is not looked at when it is longer than any text, or has more strings', () => {
    const long: DescriptionText = { blocks: [{ kind: 'paragraph', text: 'x'.repeat(100_001) }] };
    const many: DescriptionText = { blocks: [{ kind: 'list', items: Array.from({ length: 2_001 }, () => 'x') }] };
    expect(readText(long, english)).toEqual({ unreadable: 'too_long', at: 0 });
    expect(readText(many, english)).toEqual({ unreadable: 'too_long', at: 0 });
  });

  it.each(['1–3000000', '1–999999999', '3–1', '2–2', '1–2', '0', '01', '1, 1', '2, 1', '1–3, 2', '1, 2–4, 3–6'])(
    'does not show the photos %s',
    (list) => {
      const item = (photos: string) => readText({ blocks: [{ kind: 'list', items: [photos] }] }, english);
      expect(item(`Left front door: dent, minor (photos ${list})`)).toEqual({ unreadable: 'string', at: 0 });
      expect(item(`Left front door: dent, minor (photos 1–3, ${list})`)).toEqual({ unreadable: 'string', at: 0 });
    },
  );

  it('is read where it is a text of hundreds of rows', () => {
    const rows = [...everyRow(997)].slice(0, 600);
    const found = readText(renderText(rows, english, 'plain'), english);
    expect(found).toHaveLength(rows.length);
  });
});
