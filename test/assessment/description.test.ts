import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assess } from '../../src/assessment/assess.js';
import type { PhotoRef } from '../../src/assessment/assessment.js';
import { stringsOf, withStrings } from '../../src/assessment/description.js';
import type { DescriptionText } from '../../src/assessment/description.js';
import { englishDescription } from '../../src/assessment/english-text.js';
import { escapeHtml, renderHtml } from '../../src/assessment/html.js';
import { cleanText } from '../../src/assessment/model-text.js';
import type { VisionRows } from '../../src/assessment/vision-rows.js';
import { finding, HOSTILE, noFlags, photoRow, rows, twoPhotos } from './fixtures.js';

const describeRows = (changes: Partial<VisionRows>, photos: readonly PhotoRef[] = twoPhotos): readonly string[] =>
  stringsOf(englishDescription(assess(rows(changes), photos, { model: 'm', promptVersion: 'p' })));

const LIMITS =
  'Photos do not show mechanical, electrical or hidden structural condition; this text describes only what is visible.';

describe('englishDescription', () => {
  it('sums up, lists the findings worst first with their photos, and says what is not shown', () => {
    const strings = describeRows({
      findings: [
        finding(),
        finding({
          photos: [2],
          viewpoint: 'front',
          part: 'bumper',
          side: 'center',
          type: 'crack',
          severity: 'severe',
        }),
        finding({ type: 'flat_tyre', part: 'door', severity: 'unknown', confidence: 'low' }),
      ],
    });
    expect(strings).toEqual([
      'The photos show 3 damage findings: 1 severe, 1 moderate, 1 of unclear severity. Main damage: Front End; Side.',
      'Front bumper, centre: crack, severe. Photo 2.',
      'Left front door: dent, moderate. Photo 1.',
      'Left front door: possible flat tyre, severity unclear. Photo 1.',
      `Not visible in the photos: rear, right side, roof, underbody, interior and engine bay. ${LIMITS}`,
    ]);
  });

  it('says no more than that no damage is visible where nothing was found', () => {
    const strings = describeRows({});
    expect(strings[0]).toBe('No damage is visible in the photos, which show the following: front and left side.');
    expect(strings.join(' ')).not.toMatch(/undamaged|intact|good condition/i);
  });

  it('says that grey photos allow no assessment, whatever the model claims', () => {
    const grey = [1, 2].map((number) => photoRow({ number, view: 'unusable' }));
    const strings = describeRows({ photos: grey, findings: [finding()] });
    expect(strings).toEqual([
      'The condition of the vehicle cannot be assessed: none of the photos shows it well enough. This does not mean that there is no damage.',
      'Photo 1 cannot be used. Photo 2 cannot be used.',
    ]);
  });

  it('tells flags, mileage and photo faults, and no plate or VIN', () => {
    const strings = describeRows({
      photos: rows().photos.map((photo) => ({ ...photo, issues: photo.number === 2 ? ['glare', 'cropped'] : [] })),
      flags: { ...noFlags, fire: { value: 'yes', photos: [1, 2] } },
      readings: [
        { kind: 'odometer', value: '98,765 km', photo: 2 },
        { kind: 'vin', value: '1M8GDM9AXKP042788', photo: 2 },
        { kind: 'licence_plate', value: 'ABC123', photo: 2 },
      ],
    });
    expect(strings.slice(0, 3)).toEqual([
      'The photos show the following.',
      'Signs of fire are visible. Photos 1, 2.',
      'Odometer reading: 98,765 km. Photo 2.',
    ]);
    expect(strings.at(-1)).toBe('Photo 2 has glare and is cropped.');
    expect(strings.join(' ')).not.toMatch(/1M8GDM9AXKP042788|ABC123/);
  });

  it('depends on the photos alone: other rows give another text', () => {
    expect(describeRows({ findings: [finding()] })).not.toEqual(
      describeRows({ findings: [finding({ side: 'unknown' })] }),
    );
  });

  it.each(HOSTILE)('lets no hostile text of the model through: %j', (note) => {
    const honest = describeRows({ findings: [finding()] });
    expect(describeRows({ findings: [finding({ note })] })).toEqual(honest);
  });
});

const anyText: fc.Arbitrary<DescriptionText> = fc.record({
  blocks: fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant('paragraph' as const),
        text: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...HOSTILE)),
      }),
      fc.record({ kind: fc.constant('list' as const), items: fc.array(fc.string({ unit: 'binary' })) }),
    ),
  ),
});

describe('stringsOf and withStrings', () => {
  it('take a text apart and put it together again', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(withStrings(text, stringsOf(text))).toEqual(text);
      }),
    );
  });

  it('refuse another number of strings', () => {
    const text: DescriptionText = { blocks: [{ kind: 'paragraph', text: 'a' }] };
    expect(() => withStrings(text, [])).toThrow(RangeError);
    expect(() => withStrings(text, ['a', 'b'])).toThrow(RangeError);
  });
});

describe('renderHtml', () => {
  it('makes paragraphs and lists, and nothing of what is empty', () => {
    const text: DescriptionText = {
      blocks: [
        { kind: 'paragraph', text: 'A & B' },
        { kind: 'list', items: ['<x>', ' ', '"y" \'z\''] },
        { kind: 'list', items: [] },
        { kind: 'paragraph', text: '\u200B' },
      ],
    };
    expect(renderHtml(text)).toBe('<p>A &amp; B</p><ul><li>&lt;x&gt;</li><li>&quot;y&quot; &#39;z&#39;</li></ul>');
  });

  it('leaves only its three elements, without attributes, whatever the strings hold', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const html = renderHtml(text);
        const words = html.replaceAll(/<\/?(?:p|ul|li)>/g, '');
        expect(words).not.toMatch(/[<>"']/);
        expect(words).not.toMatch(/&(?!(?:amp|lt|gt|quot|#39);)/);
        expect(words).not.toMatch(/[\p{Cc}\u202A-\u202E\u2066-\u2069\u200B\u200E\u200F]/u);
      }),
    );
  });

  it('does not decode twice', () => {
    expect(escapeHtml('&lt;script&gt;')).toBe('&amp;lt;script&amp;gt;');
  });

  it('keeps the joiners that Persian and Hindi are spelt with', () => {
    expect(cleanText('می\u200Cشود')).toBe('می\u200Cشود');
    expect(cleanText('क्\u200Dष')).toBe('क्\u200Dष');
    expect(cleanText('a\u200Cb\u200Dc')).toBe('abc');
  });

  it('cleans once and for all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(cleanText(cleanText(text))).toBe(cleanText(text));
      }),
    );
  });
});
