import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assess } from '../../src/assessment/assess.js';
import { COUNTS, EXTENTS, THROUGH, ZONES } from '../../src/assessment/damage-details.js';
import { schemaProblems } from '../../src/assessment/json-schema.js';
import { LOT_FLAGS, PHOTO_ISSUES } from '../../src/assessment/lot-flags.js';
import {
  AREAS,
  CONFIDENCES,
  DAMAGE_TYPES,
  ENDS,
  LOOKINGS,
  NEARNESSES,
  PARTS,
  PICTURE_POSITIONS,
  SEVERITIES,
  SIDES,
  VIEWS,
} from '../../src/assessment/taxonomy.js';
import { statementsOf } from '../../src/assessment/text/statements-of.js';
import { INTERIOR_STATES, LISTING_MEMBERS, TYRE_STATES, VEHICLE_KINDS } from '../../src/assessment/vehicle.js';
import { rowsOf } from '../../src/assessment/vision-answer.js';
import { VISION_SCHEMA } from '../../src/assessment/vision-schema.js';
import { refs } from './fixtures.js';

describe('whatever a model says', () => {
  const numbers = fc.array(fc.integer({ min: -1, max: 6 }), { maxLength: 3 });
  const any = <T>(list: Readonly<Record<string, T>>) => fc.constantFrom(...Object.keys(list));
  const said = fc.record({
    vehicle: fc.record({
      kind: fc.constantFrom(...VEHICLE_KINDS),
      count: fc.integer({ min: -2, max: 300 }),
      body: fc.constantFrom('estate', 'unknown'),
      colour: fc.constantFrom('red', 'unknown'),
      doors: fc.constantFrom('five', 'unknown'),
      photos: numbers,
    }),
    photos: fc.array(
      fc.record({
        number: fc.integer({ min: -1, max: 6 }),
        view: any(VIEWS),
        hidden_parts: fc.array(any(PARTS), { maxLength: 3 }),
        also_visible: fc.array(any(PARTS), { maxLength: 3 }),
        issues: fc.array(any(PHOTO_ISSUES), { maxLength: 2 }),
      }),
      { maxLength: 6 },
    ),
    looking: fc.array(fc.record({ photo: fc.integer({ min: 0, max: 6 }), direction: fc.constantFrom(...LOOKINGS) }), {
      maxLength: 2,
    }),
    interior: fc.record({ state: fc.constantFrom(...INTERIOR_STATES), photos: numbers }),
    tyres: fc.record({ state: fc.constantFrom(...TYRE_STATES), photos: numbers }),
    listing_mismatch: fc.array(fc.constantFrom(...LISTING_MEMBERS), { maxLength: 2 }),
    ignored: fc.constant([]),
    findings: fc.array(
      fc.record({
        photos: numbers,
        viewpoint: any(VIEWS),
        in_picture: fc.constantFrom(...PICTURE_POSITIONS),
        nearness: fc.constantFrom(...NEARNESSES),
        part: any(PARTS),
        side: fc.constantFrom(...SIDES),
        end: fc.constantFrom(...ENDS),
        type: any(DAMAGE_TYPES),
        zone: any(ZONES),
        extent: any(EXTENTS),
        count: any(COUNTS),
        through: any(THROUGH),
        severity: any(SEVERITIES),
        confidence: fc.constantFrom(...CONFIDENCES),
      }),
      { maxLength: 6 },
    ),
    flags: fc.array(fc.record({ flag: any(LOT_FLAGS), photos: numbers }), { maxLength: 3 }),
    unclear_flags: fc.array(any(LOT_FLAGS), { maxLength: 4 }),
    not_visible: fc.array(any(AREAS), { maxLength: 3 }),
    readings: fc.constant([]),
  });

  it('no statement contradicts another or a row, and nothing is lost without a word', () => {
    fc.assert(
      fc.property(said, (answer) => {
        expect(schemaProblems(answer, VISION_SCHEMA)).toEqual([]);
        const { rows: read } = rowsOf(answer);
        if (read === undefined) throw new Error('the answer fits and is not read');
        const assessment = assess(read, refs(5), { model: 'm', promptVersion: 'p' });
        const kinds = statementsOf(assessment, { simulated: false }).map(({ kind }) => kind);
        const told = kinds.some((kind) => ['flag', 'damage', 'unconfirmed', 'not_assessable'].includes(kind));
        expect(kinds.includes('nothing_visible')).toBe(!told);
        // What the model named is told, or said to be unconfirmed.
        if (answer.findings.length > 0 || answer.flags.length > 0) {
          expect(kinds).toEqual(expect.arrayContaining([expect.stringMatching(/^(flag|damage|unconfirmed)$/)]));
        }
        if (kinds.includes('nothing_visible')) {
          const clean = assessment.coverage.areas.filter(({ status }) => status === 'no_visible_damage');
          const closeUps = assessment.photos.filter(({ view, usable }) => view === 'detail' && usable);
          expect(clean.length + closeUps.length).toBeGreaterThan(0);
        }
        const lists = assessment.coverage.areas.map(({ area }) => area);
        expect(new Set(lists).size).toBe(lists.length);
        expect(assessment.needs_review).toBe(assessment.review_reasons.length > 0);
        for (const { review_reasons, photos } of assessment.findings) {
          expect(review_reasons.every((reason) => assessment.review_reasons.includes(reason))).toBe(true);
          if (photos.length === 0) expect(review_reasons).toContain('photo_not_sent');
        }
        for (const { value, photos } of Object.values(assessment.flags)) expect(value === true).toBe(photos.length > 0);
      }),
      { numRuns: 2000 },
    );
  });
});
