import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LotRecord } from '../../src/jobs/lot-result.js';
import { csvCell, csvRows, CSV_HEADER } from '../../src/polling/csv.js';
import { propertyRuns } from '../support/property-runs.js';

/** A reader of RFC 4180 of its own, to read back what was written. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[i + 1] === '"') cell += text[++i];
      else quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === ',') {
      row.push(cell);
      cell = '';
    } else if (character === '\r' && text[i + 1] === '\n') {
      i++;
      rows.push([...row, cell]);
      row = [];
      cell = '';
    } else cell += character;
  }
  return rows;
}

const view = { status: 'cancelled' as const, languages: ['en', 'ru'], options: {}, showsReview: false };
const base: LotRecord = {
  lotId: '11-1',
  status: 'completed',
  finishedAt: new Date(0),
  processedImages: 1,
  missingImages: null,
  missingReasons: null,
  error: null,
  descriptions: [],
};

describe('csvCell', () => {
  it.each([
    ['plain', 'plain'],
    ['', ''],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['two\nlines', '"two\nlines"'],
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1+1', "'\t=1+1"],
    ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
    ['a=1', 'a=1'],
  ])('csvCell writes %j as %j', (text, cell) => {
    expect(csvCell(text)).toBe(cell);
  });

  it('csvCell reads back as written, but for the quote that keeps it from being a formula', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 2, maxLength: 4 }), (texts) => {
        const [row] = parseCsv(`${texts.map(csvCell).join(',')}\r\n`);
        expect(row).toEqual(texts.map((text) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text)));
        for (const cell of row ?? []) expect(cell).not.toMatch(/^[=+\-@]/);
      }),
      propertyRuns(),
    );
  });
});

describe('csvRows', () => {
  it('csvRows writes a row a language under the named columns', () => {
    const lot: LotRecord = {
      ...base,
      missingImages: '["https://cdn.test/1.jpg","https://cdn.test/2.jpg"]',
      missingReasons: '["not_found","host_busy"]',
      descriptions: [
        { language: 'ru', html: '<p>Вмятина, царапина</p>', fallback: false },
        { language: 'en', html: '<p>Dent</p>', fallback: false },
      ],
    };
    const [header, ...rows] = parseCsv(CSV_HEADER + csvRows('job', lot, view));
    expect(header).toEqual([
      'job_id',
      'lot_id',
      'status',
      'language',
      'damages',
      'missing_images',
      'error',
      'text',
      'needs_review',
      'photo_problems',
    ]);
    const missing = 'https://cdn.test/1.jpg https://cdn.test/2.jpg';
    const problems = 'not_found https://cdn.test/1.jpg; host_busy https://cdn.test/2.jpg';
    expect(rows).toEqual([
      ['job', '11-1', 'completed', 'en', '<p>Dent</p>', missing, '', 'Dent', '', problems],
      ['job', '11-1', 'completed', 'ru', '<p>Вмятина, царапина</p>', missing, '', 'Вмятина, царапина', '', problems],
    ]);
  });

  it.each([
    ['true: photo_unusable; several_vehicles', '{"value":true,"reasons":["photo_unusable","several_vehicles"]}', false],
    ['false', '{"value":false,"reasons":[]}', false],
    ['', null, false],
    // Without a description there is nothing to review, which jobs from before did not say.
    ['false', undefined, true],
    ['', undefined, false],
  ])('csvRows writes %j for whether a person should look at the lot', (cell, needsReview, showsReview) => {
    const descriptions = ['en', 'ru'].map((language) => ({ language, html: '', fallback: false }));
    const lot: LotRecord =
      needsReview === undefined
        ? { ...base, status: 'failed' }
        : { ...base, descriptions: descriptions.map((each, n) => (n === 0 ? { ...each, needsReview } : each)) };
    const rows = parseCsv(CSV_HEADER + csvRows('job', lot, { ...view, showsReview }));
    const column = rows[0]?.indexOf('needs_review') as number;
    for (const row of rows.slice(1)) expect(row[column]).toBe(cell);
  });

  it('csvRows writes one row for a lot without descriptions', () => {
    const failed: LotRecord = { ...base, status: 'failed', error: { code: 'REFUSED', message: 'no' } };
    expect(parseCsv(csvRows('job', failed, view))).toEqual([
      ['job', '11-1', 'failed', '', '', '', 'REFUSED: no', '', '', ''],
    ]);
    const unfinished: LotRecord = { ...base, status: 'translating', lotId: '=cmd' };
    expect(parseCsv(csvRows('job', unfinished, view))).toEqual([
      ['job', "'=cmd", 'cancelled', '', '', '', '', '', '', ''],
    ]);
  });
});
