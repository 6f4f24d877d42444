import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { schemaProblems } from '../../src/assessment/json-schema.js';
import { LOT_FLAGS } from '../../src/assessment/lot-flags.js';
import { recogniser } from '../../src/describe/recogniser.js';
import { OLD_VISION_SCHEMA } from '../../src/assessment/old-vision-schema.js';
import { codesOf } from '../../src/assessment/part-rules.js';
import { parsePrompt } from '../../src/assessment/prompt.js';
import { VIEWS } from '../../src/assessment/taxonomy.js';
import { usualParts, usualPartsText } from '../../src/assessment/usual-parts.js';
import { VEHICLE_KINDS } from '../../src/assessment/vehicle.js';
import { parseVisionAnswer, rowsOf } from '../../src/assessment/vision-answer.js';
import { buildVisionRequest } from '../../src/assessment/vision-request.js';
import {
  rowsOfReply,
  SCHEMA_VERSION,
  VISION_SCHEMA,
  VISION_SCHEMA_WITH_NOTES,
} from '../../src/assessment/vision-schema.js';
import { finding, findingReply, noFlags, reply, responseWith, rows, twoPhotos, visionSettings } from './fixtures.js';

/** An answer as models gave it by the schema before this one. */
const oldReply = (changes: Record<string, unknown> = {}) => {
  const { nearness: _n, zone: _z, extent: _e, count: _c, through: _t, note: _, ...row } = finding();
  return {
    photos: rows().photos.map(({ looking: _l, ...photo }) => photo),
    ignored: [],
    findings: [{ ...row, description: 'Eine Delle unter dem Griff.' }],
    flags: noFlags,
    not_visible: ['roof'],
    readings: [],
    remarks: [{ photo: 1, text: 'Seller is a liar.' }],
    ...changes,
  };
};

describe('the answer by exception', () => {
  it('has what its view usually shows, less what is hidden, and what is visible besides', () => {
    const [photo] = rowsOfReply(
      reply({
        photos: [
          {
            number: 1,
            view: 'left',
            hidden_parts: ['mirror', 'rocker'],
            also_visible: ['roof', 'door'],
            issues: ['glare'],
          },
        ],
      }),
    ).photos;
    expect(photo).toEqual({
      number: 1,
      view: 'left',
      looking: 'unknown',
      visible_parts: ['door', 'fender', 'quarter_panel', 'side_window', 'wheel', 'roof', 'door'],
      issues: ['glare'],
    });
  });

  it('has the parts of a motorcycle where it is one', () => {
    expect(usualParts('left', 'motorcycle')).not.toContain('door');
    expect(usualParts('front_left', 'car')).toEqual(expect.arrayContaining(['headlight', 'door', 'wheel']));
    for (const kind of VEHICLE_KINDS) {
      for (const view of ['detail', 'document_or_plate', 'unusable'] as const)
        expect(usualParts(view, kind)).toEqual([]);
    }
  });

  it('tells the model in the schema what is usual, since an operator may have a prompt of his own', () => {
    const schema = JSON.stringify(VISION_SCHEMA);
    expect(schema).toContain(usualPartsText());
    for (const view of codesOf(VIEWS)) {
      for (const part of usualParts(view, 'car')) expect(usualPartsText()).toContain(part);
    }
  });

  it('has each flag: raised, not to be told, or denied', () => {
    const { flags } = rowsOfReply(
      reply({
        flags: [
          { flag: 'fire', photos: [2] },
          { flag: 'fire', photos: [1] },
        ],
        unclear_flags: ['hail', 'fire'],
      }),
    );
    expect(flags.fire).toEqual({ value: 'yes', photos: [2, 1] });
    expect(flags.hail).toEqual({ value: 'unknown', photos: [] });
    expect(flags.fluid_leak).toEqual({ value: 'no', photos: [] });
    expect(Object.keys(flags)).toEqual(codesOf(LOT_FLAGS));
  });

  it('looks somewhere only in the interior', () => {
    const { photos } = rowsOfReply(reply({ looking: [{ photo: 2, direction: 'rearward' }] }));
    expect(photos.map(({ looking }) => looking)).toEqual(['unknown', 'rearward']);
  });

  it('has no free text but readings, and a note only where notes are asked for', () => {
    const texts = (schema: unknown): number =>
      JSON.stringify(schema).match(/\{"type":"string"(?:,"description"|\})/g)?.length ?? 0;
    expect(texts(VISION_SCHEMA)).toBe(1);
    expect(texts(VISION_SCHEMA_WITH_NOTES)).toBe(2);
    const lot = { additionalInfo: null, imageUrls: ['https://cdn.test/1.jpg'] };
    expect(JSON.stringify(buildVisionRequest(lot, visionSettings))).not.toContain('"note"');
    expect(JSON.stringify(buildVisionRequest(lot, { ...visionSettings, notes: true }))).toContain('"note"');
  });

  it('is read with notes and without', async () => {
    const recognises = await recogniser();
    const parse = (findings: readonly object[]) =>
      parseVisionAnswer(responseWith(JSON.stringify({ ...reply(), findings })), twoPhotos, 'vision-2', recognises);
    const described = (note?: string) => {
      const answer = parse([findingReply(note === undefined ? {} : { note })]);
      return answer.kind === 'assessed' ? answer.assessment.findings[0]?.description : answer.kind;
    };
    expect(described()).toBeNull();
    expect(described('')).toBeNull();
    expect(described('The paint is flaking.')).toBe('The paint is flaking.');
    expect(parse([findingReply({ note: 'x' }), findingReply()]).kind).toBe('invalid');
  });
});

describe('an answer by the schema before', () => {
  it('is known by its shape and read into the same rows, without its free texts', () => {
    expect(schemaProblems(oldReply(), OLD_VISION_SCHEMA)).toEqual([]);
    expect(rowsOf(oldReply()).rows).toEqual({
      ...rows({ findings: [finding()], not_visible: ['roof'] }),
      vehicle: { kind: 'other', count: 1, body: 'unknown', colour: 'unknown', doors: 'unknown', photos: [] },
    });
    const answer = parseVisionAnswer(responseWith(JSON.stringify(oldReply())), twoPhotos, 'vision-1');
    expect(answer).toMatchObject({ kind: 'assessed', again: null, raw: oldReply() });
    if (answer.kind !== 'assessed') return;
    expect(answer.assessment).toMatchObject({ remarks: [], findings: [{ description: null, part: 'door' }] });
    expect(JSON.stringify(answer.assessment)).not.toMatch(/Delle|liar/);
  });

  it('is not taken where it fits neither schema, which is told by the one that is asked', () => {
    expect(rowsOf(oldReply({ remarks: undefined }))).toEqual({
      problems: schemaProblems(oldReply(), VISION_SCHEMA).slice(0, 10),
    });
  });
});

describe('versions', () => {
  // Whoever edits the prompt gives it a new version and writes both down here: results name the version that made them.
  const PROMPTS: Readonly<Record<string, string>> = { 'vision-2': '5ee7ef389788' };

  it('rise with the prompt', () => {
    const file = readFileSync(new URL('../../prompts/vision.md', import.meta.url), 'utf8');
    const body = /^---\n[\s\S]*?\n---\n([\s\S]*)$/.exec(file)?.[1] ?? '';
    expect({ [parsePrompt(file).version]: createHash('sha256').update(body).digest('hex').slice(0, 12) }).toEqual(
      PROMPTS,
    );
  });

  it('of the schema follow from its lists', () => {
    expect(SCHEMA_VERSION).toMatch(/^2-/);
  });
});
