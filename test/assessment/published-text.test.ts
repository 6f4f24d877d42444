import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Assessment } from '../../src/assessment/assessment.js';
import { stringsOf } from '../../src/assessment/description.js';
import { publishedStatements, publishedText } from '../../src/assessment/published-text.js';
import { Glossaries } from '../../src/assessment/text/glossaries.js';
import type { Side } from '../../src/assessment/taxonomy.js';
import type { FindingRow, VisionRows } from '../../src/assessment/vision-rows.js';
import { assessed, finding, noFlags, photoRow, raised, rows, views } from './fixtures.js';

// What a buyer reads of rows that models send: the whole text, but for the sentence on what photos never show.

const folder = new URL('../../glossaries/', import.meta.url);
const glossaries = Glossaries.read(
  new Map(
    readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => [name.replace('.json', ''), readFileSync(new URL(name, folder), 'utf8')]),
  ),
);

function linesOf(assessment: Assessment, tag = 'en', simulated = false): readonly string[] {
  const made = publishedStatements({ ...assessment, simulated });
  if ('refused' in made) throw new Error(JSON.stringify(made.refused));
  const words = glossaries.for(tag);
  if (words === null) throw new Error(`there is no glossary for ${tag}`);
  const written = publishedText(made.statements, words);
  if ('refused' in written) throw new Error(JSON.stringify(written.refused));
  return stringsOf(written.text);
}

/** The lines of a text without the last, which is the same in each. */
const text = (changes: Partial<VisionRows>, tag = 'en') => linesOf(assessed(changes), tag).slice(0, -1);

const LINE = 'Silver estate, five doors.';
const unseen = (areas: string) => `Not visible in the photos: ${areas}.`;

describe('a text', () => {
  it('begins with fire and structure where no finding stands beside them, and denies no damage', () => {
    const flags = { ...raised('fire', 1), structural_suspected: { value: 'yes', photos: [1] } as const };
    expect(text({ photos: views('front'), flags })).toEqual([
      LINE,
      'Structural damage suspected (photo 1)',
      'Signs of fire (photo 1)',
      unseen('rear, left side, right side, roof, underbody, interior, engine bay'),
    ]);
  });

  it('says that nothing can be assessed where the model described no photo', () => {
    const vehicle = { ...rows().vehicle, body: 'unknown', colour: 'unknown', doors: 'unknown', photos: [] } as const;
    expect(text({ vehicle, photos: [] })).toEqual(['The condition cannot be assessed from these photos.']);
  });

  it('says once why nothing can be assessed in twenty photos that are dark and blurred', () => {
    const photos = Array.from({ length: 20 }, (_, index) =>
      photoRow({ number: index + 1, view: 'front', visible_parts: ['bumper'], issues: ['too_dark', 'blur'] }),
    );
    expect(text({ photos })).toEqual([LINE, 'The condition cannot be assessed from these photos: blurred, too dark.']);
  });

  it('says that a damage could not be confirmed where its only photo is unusable', () => {
    const photos = [...views('front'), photoRow({ number: 2, view: 'unusable' })];
    const [, second, ...rest] = text({ photos, findings: [finding({ severity: 'severe', photos: [2] })] });
    expect(second).toBe('A further damage is possible and could not be confirmed.');
    expect(rest.join(' ')).not.toMatch(/no damage/i);
  });

  it('calls nothing an underbody that is an exhaust pipe in a rear view, and each area once', () => {
    const [rear] = views('rear');
    expect(text({ photos: [{ ...rear, visible_parts: ['bumper', 'tailgate', 'exhaust'] } as never] })).toEqual([
      LINE,
      'No damage is visible in what the photos show: rear.',
      unseen('front, left side, right side, roof, underbody, interior, engine bay'),
    ]);
  });

  it('counts two parts without a name that are missing', () => {
    const gone = finding({ part: 'other', side: 'n/a', end: 'n/a', type: 'missing_part', viewpoint: 'interior' });
    expect(text({ photos: views('interior'), findings: [gone, gone] })[1]).toBe(
      'Part not named: missing (2×) (photo 1)',
    );
  });

  it('writes no severity of what has no degrees: it is missing, or lit, or not', () => {
    const inside = { side: 'n/a', end: 'n/a', viewpoint: 'interior' } as const;
    const lines = text({
      photos: views('interior'),
      findings: [
        finding({ ...inside, part: 'instrument_cluster', type: 'warning_light', severity: 'minor' }),
        finding({ ...inside, part: 'seat', side: 'left', end: 'rear', type: 'missing_part', severity: 'severe' }),
        finding({ ...inside, part: 'airbag', type: 'airbag_deployed', severity: 'unknown', confidence: 'low' }),
        finding({ ...inside, part: 'dashboard', type: 'crack', severity: 'severe' }),
      ],
    });
    expect(lines.slice(1, 5)).toEqual([
      'Airbag: possible airbag deployment (photo 1)',
      'Left rear seat: missing (photo 1)',
      'Dashboard: crack, severe (photo 1)',
      'Instrument cluster: warning light on (photo 1)',
    ]);
  });

  it('tells a small and a deep dent of one door as two, under one place', () => {
    const small = finding({ severity: 'minor', zone: 'upper_half', extent: 'spot' });
    const deep = finding({ severity: 'severe', zone: 'lower_half', extent: 'hand' });
    expect(text({ findings: [small, deep] })[1]).toBe(
      'Left front door: dent, severe – lower half, hand-sized (photo 1); dent, minor – upper half, coin-sized (photo 1)',
    );
  });

  it('tells a deployed airbag once, first, and no word of minor of a dent of unknown severity', () => {
    const bag = finding({ part: 'airbag', side: 'n/a', end: 'n/a', type: 'airbag_deployed', viewpoint: 'interior' });
    const dent = finding({ photos: [2], severity: 'unknown' });
    const lines = text({
      photos: views('interior', 'left'),
      findings: [bag, dent],
      flags: raised('airbags_deployed', 1),
    });
    expect(lines.slice(1, 3)).toEqual([
      'Airbags deployed (photo 1)',
      'Left front door: dent, severity unclear (photo 2)',
    ]);
    expect(lines.join(' ')).not.toMatch(/minor/);
    expect(lines.join(' ').match(/airbag/gi)).toHaveLength(1);
  });

  it('does not tell of airbags that the cited photo cannot show', () => {
    const lines = text({ photos: views('rear', 'interior'), flags: raised('airbags_deployed', 1) });
    expect(lines.join(' ')).not.toMatch(/airbag/i);
    expect(lines).toContain('A further damage is possible and could not be confirmed.');
  });

  it('marks nothing for editors in what buyers read', () => {
    const missing = finding({ part: 'mirror', end: 'n/a', type: 'missing_part', severity: 'severe' });
    const odd = finding({ part: 'tyre', type: 'paint_chip', severity: 'minor' });
    const lines = text({ findings: [missing, odd] });
    expect(lines).toContain('Left door mirror: missing (photo 1)');
    expect(lines.join(' ')).not.toMatch(/check|review/i);
  });

  it('says possible of a row that the model is unsure of', () => {
    expect(text({ findings: [finding({ confidence: 'low' })] })[1]).toBe(
      'Left front door: possible dent, moderate (photo 1)',
    );
  });

  it('tells a severe dent without a photo where the cited one was never sent', () => {
    const lines = text({ findings: [finding({ severity: 'severe', photos: [0] })] });
    expect(lines).toContain('Left front door: dent, severe');
    expect(lines.join(' ')).not.toMatch(/no damage/i);
  });

  it('gives a motorcycle no interior', () => {
    const vehicle = { ...rows().vehicle, kind: 'motorcycle' as const };
    expect(text({ vehicle, photos: views('left', 'right') })).toEqual([
      'Silver motorcycle.',
      'No damage is visible in what the photos show: left side, right side.',
      unseen('front, rear'),
    ]);
  });

  it('reads 98 765 km and 98765km as one reading', () => {
    const reading = (value: string) => ({ kind: 'odometer', value, photo: 1 }) as const;
    const [line] = text({ photos: views('interior'), readings: [reading('98 765 km'), reading('98765km')] });
    expect(line).toBe('Silver estate, five doors; 98,765 km.');
  });

  it('does not place in the centre what reaches over the whole part', () => {
    const on = (changes: Partial<FindingRow>) =>
      finding({ photos: [2], viewpoint: 'front', part: 'bonnet', side: 'center', end: 'n/a', ...changes });
    expect(text({ findings: [on({ extent: 'whole_part', count: 'many' })] })[1]).toBe(
      'Bonnet: dent (many), moderate – nearly the whole part (photo 2)',
    );
    expect(text({ findings: [on({ extent: 'spot' })] })[1]).toBe(
      'Bonnet, centre: dent, moderate – coin-sized (photo 2)',
    );
  });

  it('puts sixty rows into a dozen lines, the deployed airbags first', () => {
    const sides: readonly Side[] = ['left', 'right'];
    const parts = ['door', 'fender', 'quarter_panel', 'rocker', 'mirror'] as const;
    const types = ['scratch', 'scuff', 'dent', 'crack', 'paint_chip', 'corrosion'] as const;
    const findings = types.flatMap((type) =>
      parts.flatMap((part) =>
        sides.map((side, index) =>
          finding({
            photos: [index + 1],
            viewpoint: side as 'left',
            part,
            side,
            end: part === 'door' ? 'front' : 'n/a',
            type,
            severity: 'minor',
          }),
        ),
      ),
    );
    const flags = raised('airbags_deployed', 3);
    const lines = text({ photos: views('left', 'right', 'interior'), findings, flags });
    expect(findings).toHaveLength(60);
    expect(lines.length).toBeLessThanOrEqual(14);
    expect(lines[1]).toBe('Airbags deployed (photo 3)');
  });

  it('says once that it is a simulation where it is one', () => {
    const lines = linesOf(assessed({}), 'en', true);
    expect(lines.filter((line) => /simulation/i.test(line))).toHaveLength(1);
    expect(linesOf(assessed({})).join(' ')).not.toMatch(/simulation/i);
  });
});

describe('a text in another language', () => {
  const findings = [
    finding({ severity: 'severe', photos: [1, 2], viewpoint: 'left' }),
    finding({
      photos: [2],
      viewpoint: 'front',
      part: 'bonnet',
      side: 'n/a',
      end: 'n/a',
      type: 'scratch',
      severity: 'minor',
    }),
  ];

  it.each([
    ['en-US', 'Hood: scratch, minor (photo 2)'],
    ['en-AU', 'Bonnet: scratch, minor (photo 2)'],
    ['de', 'Motorhaube: Kratzer, leicht (Foto 2)'],
    ['ru', 'Капот: царапина, лёгкая степень (фото 2)'],
    ['ar', 'غطاء المحرك: خدش، بدرجة خفيفة (الصورة 2)'],
    ['ja', 'ボンネット：線傷、軽度（写真2）'],
  ])('has the words of %s and no other', (tag, line) => {
    expect(text({ flags: noFlags, findings }, tag)).toContain(line);
  });

  it('has American or British words by the tag, never both', () => {
    expect(text({ findings }, 'en-CA').join(' ')).not.toMatch(/bonnet|colour|tyre/i);
    expect(text({ findings }, 'en-IN').join(' ')).not.toMatch(/\bhood\b|color|\btire/i);
  });
});
