import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommitInDoubtError } from '../../src/common/database-away.js';
import {
  pendingLanguages,
  renderLot,
  type LotDescription,
  type LotRecord,
  type LotView,
} from '../../src/jobs/lot-result.js';
import { propertyRuns } from '../support/property-runs.js';

const view: LotView = { status: 'completed', languages: ['ru', 'en'], options: {}, showsReview: false };

function description(language: string, html: string, more: Partial<LotDescription> = {}): LotDescription {
  return { language, html, fallback: false, ...more };
}

function lot(more: Partial<LotRecord> = {}): LotRecord {
  return {
    lotId: '11-12345',
    status: 'completed',
    finishedAt: new Date('2026-01-01T00:00:00.900Z'),
    processedImages: 3,
    missingImages: null,
    missingReasons: null,
    error: null,
    descriptions: [description('en', '<p>Dent</p>'), description('ru', '<p>Вмятина</p>')],
    ...more,
  };
}

describe('renderLot', () => {
  it('renderLot shows a completed lot as the contract has it, descriptions in the order of the request', () => {
    expect(renderLot(lot(), view)).toBe(
      '{"lot_id":"11-12345","status":"completed","processed_at":"2026-01-01T00:00:00Z","processed_images":3,' +
        '"descriptions":[{"language":"ru","damages":"<p>Вмятина</p>"},{"language":"en","damages":"<p>Dent</p>"}],' +
        '"missing_images":[],"photo_problems":[],"pending_languages":[]}',
    );
  });

  it('renderLot shows no lot of an ended job that has not ended itself; in a cancelled one it was cancelled', () => {
    const unfinished = lot({ status: 'processing', finishedAt: null, descriptions: [] });
    for (const status of ['completed', 'failed'] as const) {
      expect(() => renderLot(unfinished, { ...view, status })).toThrow(CommitInDoubtError);
    }
    expect(renderLot(unfinished, { ...view, status: 'cancelled' })).toContain('"status":"cancelled"');
    expect(renderLot(unfinished, { ...view, status: 'processing' })).toContain('"status":"processing"');
  });

  it('renderLot gives the same bytes whatever order the descriptions were read in', () => {
    const { descriptions } = lot();
    expect(renderLot(lot({ descriptions: descriptions.toReversed() }), view)).toBe(renderLot(lot(), view));
  });

  it('renderLot leaves the English source out when English was not asked for', () => {
    const russian: LotView = { ...view, languages: ['ru'] };
    expect(JSON.parse(renderLot(lot(), russian))).toMatchObject({ descriptions: [{ language: 'ru' }] });
  });

  it('renderLot marks and names a language that carries the English text', () => {
    const fallen = lot({
      descriptions: [description('en', '<p>Dent</p>'), description('ru', '<p>Dent</p>', { fallback: true })],
    });
    expect(JSON.parse(renderLot(fallen, view))).toMatchObject({
      descriptions: [
        { language: 'ru', damages: '<p>Dent</p>', fallback: true },
        { language: 'en', damages: '<p>Dent</p>' },
      ],
      pending_languages: ['ru'],
    });
    expect(pendingLanguages(fallen, view.languages)).toEqual(['ru']);
  });

  it('renderLot refuses to show a completed lot that lacks a language', () => {
    expect(() => renderLot(lot({ descriptions: [description('en', '')] }), view)).toThrow(
      'has no description in one of its languages',
    );
  });

  it('renderLot shows findings and usage only when they were asked for, spliced as stored', () => {
    const rich = lot({
      descriptions: [
        description('ru', 'r', { usage: '[{"stage":"translation"}]' }),
        description('en', 'e', { assessment: '{"findings" : [1.0]}', usage: '{"stage":"vision"}' }),
      ],
    });
    expect(renderLot(rich, view)).not.toMatch(/assessment|usage/);
    const both = renderLot(rich, { ...view, options: { include: ['assessment', 'usage'] } });
    expect(both).toContain('"assessment":{"findings" : [1.0]},"usage":[{"stage":"vision"},{"stage":"translation"}]');
  });

  it('renderLot shows no usage entry for a row that cost nothing of its own', () => {
    const free = lot({
      descriptions: [
        description('en', 'e', { assessment: '{}', usage: 'null' }),
        description('ru', 'r', { usage: '[ ]' }),
      ],
    });
    expect(renderLot(free, { ...view, options: { include: ['usage'] } })).toContain('"usage":[]');
  });

  it('renderLot keeps a pretty-printed value on the one line', () => {
    const pretty = lot({ descriptions: [description('en', 'e', { assessment: '{\n  "a": 1\r\n}' })] });
    const text = renderLot(pretty, { ...view, languages: ['en'], options: { include: ['assessment'] } });
    expect(text).not.toMatch(/[\r\n]/);
    expect(JSON.parse(text)).toMatchObject({ assessment: { a: 1 } });
  });

  it('renderLot shows a failed lot with its reason and its missing photos, and arrays even when empty', () => {
    const failed = lot({
      status: 'failed',
      processedImages: 0,
      missingImages: '["https://cdn.test/1.jpg","https://cdn.test/2.jpg"]',
      missingReasons: '["not_a_photo","timeout"]',
      error: { code: 'IMAGE_UNREACHABLE', message: 'say "cheese"' },
      descriptions: [],
    });
    expect(JSON.parse(renderLot(failed, view))).toEqual({
      lot_id: '11-12345',
      status: 'failed',
      processed_at: '2026-01-01T00:00:00Z',
      processed_images: 0,
      descriptions: [],
      missing_images: ['https://cdn.test/1.jpg', 'https://cdn.test/2.jpg'],
      photo_problems: [
        { url: 'https://cdn.test/1.jpg', reason: 'not_a_photo' },
        { url: 'https://cdn.test/2.jpg', reason: 'timeout' },
      ],
      pending_languages: [],
      error: { code: 'IMAGE_UNREACHABLE', message: 'say "cheese"' },
    });
  });

  it('renderLot shows the missing photos of a lot that is older than reasons as unreachable, and of words that nobody knows', () => {
    const missingImages = '["https://cdn.test/1.jpg"]';
    const photoProblems = [{ url: 'https://cdn.test/1.jpg', reason: 'unreachable' }];
    expect(JSON.parse(renderLot(lot({ missingImages }), view))).toMatchObject({ photo_problems: photoProblems });
    const strange = lot({ missingImages, missingReasons: '["a_later_reason"]' });
    expect(JSON.parse(renderLot(strange, view))).toMatchObject({ photo_problems: photoProblems });
  });

  it('renderLot says of every lot of a new job whether a person should look at it, whatever is included', () => {
    const now: LotView = { ...view, showsReview: true };
    const review = '{"value": true,\n"reasons": ["photo_unusable"]}';
    const doubtful = lot({ descriptions: [description('ru', 'r'), description('en', 'e', { needsReview: review })] });
    expect(renderLot(doubtful, now)).toMatch(
      /"pending_languages":\[\],"needs_review":\{"value": true, "reasons": \["photo_unusable"\]\}\}$/,
    );
    const nothing = '"needs_review":{"value":false,"reasons":[]}';
    const error = { code: 'NO_IMAGES', message: 'none' };
    expect(renderLot(lot({ status: 'failed', error, descriptions: [] }), now)).toContain(`${nothing},"error"`);
    expect(renderLot(lot({ status: 'pending', descriptions: [] }), { ...now, status: 'cancelled' })).toContain(nothing);
  });

  it('renderLot adds nothing to lots from before there were reviews, even where their assessment could tell', () => {
    const assessment = '{"needs_review":true,"review_reasons":["photo_unusable"]}';
    const old = lot({ descriptions: [description('ru', 'r'), description('en', 'e', { assessment })] });
    const failed = lot({ status: 'failed', error: { code: 'REFUSED', message: 'no' }, descriptions: [] });
    for (const text of [renderLot(old, view), renderLot(old, { ...view, showsReview: true }), renderLot(failed, view)])
      expect(text).not.toContain('needs_review');
  });

  it('renderLot shows nothing of a lot that is still being translated', () => {
    const text = renderLot(lot({ status: 'translating', finishedAt: null }), { ...view, status: 'translating' });
    expect(JSON.parse(text)).toMatchObject({ status: 'translating', processed_at: null, descriptions: [] });
  });

  it('renderLot writes valid JSON on one line with the text intact, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (lotId, html) => {
        const text = renderLot(lot({ lotId, descriptions: [description('en', html)] }), { ...view, languages: ['en'] });
        expect(text).not.toMatch(/[\r\n]/);
        const parsed: unknown = JSON.parse(text);
        expect(parsed).toMatchObject({ lot_id: lotId, descriptions: [{ damages: html }] });
        expect(parsed).not.toHaveProperty('images');
      }),
      propertyRuns(),
    );
  });
});
