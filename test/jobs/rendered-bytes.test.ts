import { describe, expect, it } from 'vitest';
import { missingColumns, type MissingPhoto } from '../../src/common/missing-photo.js';
import { renderLot, type LotDescription } from '../../src/jobs/lot-result.js';
import { renderedBytes } from '../../src/jobs/rendered-bytes.js';

const missing: MissingPhoto[] = [
  { url: 'https://cdn.test-host.com/lots/11-12345/photo-1.jpg', reason: 'not_found' },
  { url: 'https://cdn.test-host.com/lots/11-12345/photo-2.jpg', reason: 'timeout' },
];
const assessment = JSON.stringify({ rows: [{ part: 'front_door', side: 'left', type: 'dent', severity: 'minor' }] });
const review = JSON.stringify({ value: true, reasons: ['photo_not_sent', 'side_contradicts_view'] });
const call = (stage: string) =>
  JSON.stringify({
    stage,
    model: 'gpt-5.6-terra-2026-11-01',
    calls: 1,
    input_tokens: 4012,
    cached_input_tokens: 1024,
    output_tokens: 731,
    reasoning_tokens: 256,
    cost_usd: 0.01638,
  });
const both: LotDescription[] = [
  { language: 'en', html: '<ul>' + '<li>A dent in the left front door.</li>'.repeat(8) + '</ul>', fallback: false },
  { language: 'ru', html: '<ul>' + '<li>Вмятина на левой передней двери.</li>'.repeat(8) + '</ul>', fallback: false },
];

describe('how long a completed lot reads', () => {
  it.each([
    ['without more', [], []],
    ['with photos that are missing', [], missing],
    ['with its findings', ['assessment'], []],
    ['with what it cost', ['usage'], []],
    ['with all of these', ['assessment', 'usage'], missing],
  ] as const)('renderedBytes estimates the size of a completed lot to within a fifth, %s', (_name, include, gone) => {
    const columns = missingColumns(gone);
    const text = renderLot(
      {
        lotId: '11-12345',
        status: 'completed',
        finishedAt: new Date('2026-01-01T00:00:00Z'),
        processedImages: 5,
        missingImages: columns?.urls ?? null,
        missingReasons: columns?.reasons ?? null,
        error: null,
        descriptions: both.map((description, n) => ({
          ...description,
          needsReview: n === 0 ? review : null,
          assessment: n === 0 ? assessment : null,
          usage: call(n === 0 ? 'vision' : 'translation'),
        })),
      },
      { status: 'completed', languages: ['en', 'ru'], options: { include: [...include] }, showsReview: true },
    );
    const told = renderedBytes(both, {
      idLength: '11-12345'.length,
      missing: gone,
      assessment: (include as readonly string[]).includes('assessment') ? Buffer.byteLength(assessment) : 0,
      review: review.length,
      usage: (include as readonly string[]).includes('usage'),
    });
    expect(told / Buffer.byteLength(text)).toBeGreaterThan(0.8);
    expect(told / Buffer.byteLength(text)).toBeLessThan(1.2);
  });
});
