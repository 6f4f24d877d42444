import { describe, expect, it } from 'vitest';
import { LOT_FLAGS, PHOTO_ISSUES } from '../../src/assessment/lot-flags.js';
import {
  areaOf,
  codesOf,
  endContradictsPart,
  normalizePlace,
  showsPart,
  typeFitsPart,
} from '../../src/assessment/part-rules.js';
import { DAMAGE_TYPES, NOT_DAMAGE, PARTS, SEVERITIES, SIDES, ENDS, VIEWS } from '../../src/assessment/taxonomy.js';
import { SCHEMA_VERSION, VISION_SCHEMA } from '../../src/assessment/vision-schema.js';
import type { JsonSchema } from '../../src/assessment/json-schema.js';

describe('the taxonomy', () => {
  it('has the recommended number of codes', () => {
    expect(codesOf(PARTS)).toHaveLength(71);
    expect(codesOf(DAMAGE_TYPES)).toHaveLength(28);
    expect(codesOf(NOT_DAMAGE)).toHaveLength(8);
    expect(codesOf(LOT_FLAGS)).toHaveLength(8);
    expect(codesOf(PHOTO_ISSUES)).toHaveLength(11);
    expect(codesOf(VIEWS)).toHaveLength(15);
    expect(codesOf(SEVERITIES)).toEqual(['minor', 'moderate', 'severe', 'unknown']);
  });

  it('has a part for every damage type and a type for every part', () => {
    for (const type of codesOf(DAMAGE_TYPES)) {
      expect(codesOf(PARTS).some((part) => part !== 'other' && typeFitsPart(type, part))).toBe(true);
    }
    for (const part of codesOf(PARTS)) {
      expect(codesOf(DAMAGE_TYPES).some((type) => typeFitsPart(type, part))).toBe(true);
    }
  });

  it.each([
    ['shattered_glass', 'windshield', true],
    ['shattered_glass', 'door', false],
    ['flat_tyre', 'tyre', true],
    ['flat_tyre', 'bonnet', false],
    ['lens_haze', 'headlight', true],
    ['lens_haze', 'mirror', false],
    ['dent', 'windshield', false],
    ['curb_rash', 'rim', true],
    ['airbag_deployed', 'steering_wheel', true],
    ['shattered_glass', 'other', true],
  ] as const)('says whether %s can be on a %s: %s', (type, part, fits) => {
    expect(typeFitsPart(type, part)).toBe(fits);
  });

  it('names a part within only parts that exist', () => {
    for (const { within } of Object.values<{ within?: string }>(PARTS)) {
      expect(within === undefined || Object.hasOwn(PARTS, within)).toBe(true);
    }
  });
});

describe('places', () => {
  it('normalises every place to one that stays the same', () => {
    for (const part of codesOf(PARTS)) {
      for (const side of SIDES) {
        for (const end of ENDS) {
          const place = normalizePlace({ part, side, end });
          expect(normalizePlace(place)).toEqual(place);
          expect(endContradictsPart(place)).toBe(false);
        }
      }
    }
  });

  it.each([
    [{ part: 'door', side: 'left', end: 'front' }, 'left_side'],
    [{ part: 'bumper', side: 'right', end: 'rear' }, 'rear'],
    [{ part: 'bonnet', side: 'center', end: 'front' }, 'front'],
    [{ part: 'tail_light', side: 'unknown', end: 'rear' }, 'rear'],
    [{ part: 'roof', side: 'n/a', end: 'n/a' }, 'roof'],
    [{ part: 'door', side: 'unknown', end: 'rear' }, null],
    [{ part: 'bumper', side: 'left', end: 'n/a' }, null],
  ] as const)('are in an area: %o', (place, area) => {
    expect(areaOf(place)).toBe(area);
  });

  it('takes the whole for the part and the part for the whole when asking what a photo shows', () => {
    expect(showsPart(['wheel'], 'rim')).toBe(true);
    expect(showsPart(['rim'], 'wheel')).toBe(true);
    expect(showsPart(['tyre'], 'rim')).toBe(true);
    expect(showsPart(['door'], 'rim')).toBe(false);
    expect(showsPart([], 'other')).toBe(true);
  });
});

describe('the schema', () => {
  it('stays within the strict subset and its limits', () => {
    let properties = 0;
    let enumValues = 0;
    let characters = 0;
    const visit = (schema: JsonSchema, depth: number): void => {
      expect(depth).toBeLessThanOrEqual(10);
      if ('$ref' in schema) {
        return;
      }
      if (schema.type === 'object') {
        expect(schema.additionalProperties).toBe(false);
        expect(schema.required).toEqual(Object.keys(schema.properties));
        for (const [name, member] of Object.entries(schema.properties)) {
          properties += 1;
          characters += name.length;
          visit(member, depth + 1);
        }
      } else if (schema.type === 'array') {
        visit(schema.items, depth + 1);
      } else if (schema.type === 'string' && schema.enum !== undefined) {
        enumValues += schema.enum.length;
        characters += schema.enum.join('').length;
      }
    };
    visit(VISION_SCHEMA, 1);
    for (const definition of Object.values(VISION_SCHEMA.$defs ?? {})) {
      visit(definition, 1);
    }
    expect(properties).toBeLessThanOrEqual(5000);
    expect(enumValues).toBeLessThanOrEqual(1000);
    expect(characters).toBeLessThanOrEqual(120_000);
  });

  it('asks for the viewpoint before the side, and for photos before findings', () => {
    const members = Object.keys(VISION_SCHEMA.properties);
    expect(members.indexOf('photos')).toBeLessThan(members.indexOf('findings'));
    const rowSchema = VISION_SCHEMA.properties['findings'] as { items: { properties: object } };
    const row = Object.keys(rowSchema.items.properties);
    expect(row.indexOf('viewpoint')).toBeLessThan(row.indexOf('side'));
    expect(row.indexOf('in_picture')).toBeLessThan(row.indexOf('side'));
  });

  it('has a version that is a number and a fingerprint', () => {
    expect(SCHEMA_VERSION).toMatch(/^2-[\da-f]{8}$/);
  });
});
