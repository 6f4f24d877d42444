import { describe, expect, it } from 'vitest';
import { printable, printableJson } from '../../src/ops/printable.js';
import { line, MOST_COLUMNS, table } from '../../src/ops/table.js';
import { duration } from '../../src/ops/wording.js';

/** Clears the screen, rings, sets the window's title, turns the line around, hides, and breaks the line. */
const HOSTILE = '\u001b[2J\u0007\u009b31m\u001b]0;title\u0007\u202eexe.\u2066\u200b\r\nforged row\u2028\ud800\u{e0041}';

describe('what a terminal is given', () => {
  it('what a terminal would obey is shown as JSON writes it', () => {
    expect(printable(HOSTILE)).toBe(
      String.raw`\u001b[2J\u0007\u009b31m\u001b]0;title\u0007\u202eexe.\u2066\u200b\u000d\u000aforged row\u2028\ud800\udb40\udc41`,
    );
    expect(printable('Лот 7 · 車 · שלום')).toBe('Лот 7 · 車 · שלום');
  });

  it('no single character is left that controls a terminal, and JSON reads as what it was', () => {
    const every = Array.from({ length: 0xffff }, (_, code) => String.fromCharCode(code)).join('');
    expect(printable(every)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    const document = { text: every, tags: '\u{e0041}', rows: [{ 'a\u001b': HOSTILE }] };
    const json = printableJson(document);
    expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    expect(JSON.parse(json)).toEqual(document);
  });

  it('a table shows numbers at the right, and a hostile text stays in its row', () => {
    const rows = [
      { name: HOSTILE.slice(0, 4), lots: '7' },
      { name: 'a\nb', lots: '12,000' },
    ];
    const shown = table(
      [
        { title: 'name', of: ({ name }) => name },
        { title: 'lots', of: ({ lots }) => lots, right: true },
      ],
      rows,
    );
    expect(shown.split('\n')).toEqual([
      'name         lots',
      String.raw`\u001b[2J       7`,
      String.raw`a\u000ab   12,000`,
    ]);
  });

  it('a table is never wider than 100 places, and ids are not cut', () => {
    const id = '0190163d-8694-739b-aea5-966c26f8ad90';
    const rows = [{ id, long: 'x'.repeat(300), wide: '車'.repeat(80) }];
    const columns = [
      { title: 'id', of: (row: { id: string }) => row.id, whole: true as const },
      { title: 'long', of: (row: { long: string }) => row.long },
      { title: 'wide', of: (row: { wide: string }) => row.wide },
    ];
    const shown = table(columns, rows).split('\n')[1] ?? '';
    expect(shown).toMatch(new RegExp(`^${id}  x+…  車+…$`));
    const places = shown.length + (shown.match(/車/g) ?? []).length;
    expect(places).toBeLessThanOrEqual(MOST_COLUMNS);
    expect(places).toBeGreaterThan(MOST_COLUMNS - 4);
    expect(line('y'.repeat(200))).toBe(`${'y'.repeat(99)}…`);
  });

  it('a duration is said in its two largest units', () => {
    expect([0, 59.4, 61, 3600, 100_000, 200_000].map(duration)).toEqual([
      '0 s',
      '59 s',
      '1 min',
      '1 h 0 min',
      '27 h 46 min',
      '2 d 7 h',
    ]);
  });
});
