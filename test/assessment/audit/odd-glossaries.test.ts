import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { audit } from '../../../src/assessment/audit/audit.js';
import { collisionsOf } from '../../../src/assessment/audit/collisions.js';
import { readText } from '../../../src/assessment/audit/reader.js';
import { allPlaces, placeWriter } from '../../../src/assessment/audit/words.js';
import type { Glossary } from '../../../src/assessment/text/glossary.js';
import { renderText } from '../../../src/assessment/text/render.js';
import { glossaries } from './glossaries.js';
import { statements } from './statements.js';

const english = glossaries.find(({ tag }) => tag === 'en') as Glossary;
const russian = glossaries.find(({ tag }) => tag === 'ru') as Glossary;

/** Languages that are not shipped write otherwise than those that are. */
const ODD: Readonly<Record<string, Glossary>> = {
  'what is added stands in front, and the place behind': {
    ...english,
    possible: '{type} perhaps',
    place: { ...english.place, part_side: '{part} {side}', wide_side: '{side} of {part}' },
    item: {
      ...english.item,
      by_part: '{damages} @ {place}',
      by_damage: 'at {places} = {damage}',
      damage: '{severity} {type}',
      details: '<{details}> {damage}',
      count: '{count} × {text}',
      photos: '[{photos}] {text}',
    },
    counts: { ...english.counts, exact: '{n}' },
    photos: { one: '#{n}', many: '#{list}', separator: '+', range: '{from}..{to}' },
  },
  'words without spaces, a full stop of another kind and commas that are none': {
    ...english,
    locale: 'ja',
    place: {
      part: '{part}',
      part_side: '{side}{part}',
      part_end: '{end}{part}',
      part_end_side: '{side}{end}{part}',
      wide_side: '{part}・{side}',
      wide_end_side: '{end}{part}・{side}',
    },
    possible: '{type}の疑い',
    item: {
      by_part: '{place}:{damages}',
      by_damage: '{damage}:{places}',
      damage: '{type}、{severity}',
      details: '{damage}–{details}',
      count: '{text}({count})',
      photos: '{text}({photos})',
      between: ';',
      between_details: '、',
    },
    photos: { one: '写真{n}', many: '写真{list}', separator: '、', range: '{from}~{to}' },
    list_separator: '、',
    full_stop: '。',
  },
  'digits of its own, from right to left and without a full stop': {
    ...english,
    locale: 'ar-EG',
    direction: 'rtl',
    item: { ...english.item, between: '؛ ', between_details: '، ' },
    photos: { one: 'صورة {n}', many: 'صور {list}', separator: '، ', range: '{from}–{to}' },
    list_separator: '، ',
    full_stop: '',
  },
  'two kinds of i': {
    ...english,
    locale: 'tr',
    parts: { ...english.parts, mirror: { name: 'iç ayna' }, radio: { name: 'ışık' } },
    flags: { ...english.flags, fire: 'izler', hail: 'ızler' },
  },
  'letters that become two as capitals': {
    ...english,
    locale: 'de',
    flags: { ...english.flags, fire: 'ßengspuren', hail: 'ﬂecken' },
  },
  'every place listed whole, and nothing to put one together of': {
    ...russian,
    parts: english.parts,
    side: { left: {}, right: {} },
    place: { part: '', part_side: '', part_end: '', part_end_side: '', wide_side: '', wide_end_side: '' },
    places: Object.fromEntries(
      allPlaces().map((place) => [`${place.part}|${place.end}|${place.side}`, placeWriter(russian)(place)]),
    ),
  },
};

describe.each(Object.entries(ODD))('a language with %s', (_name, glossary) => {
  it('can be read without collisions', () => {
    expect(collisionsOf(glossary)).toEqual([]);
  });

  it('is read back', () => {
    fc.assert(
      fc.property(statements, fc.constantFrom('usual', 'plain'), (all, form) => {
        const text = renderText(all, glossary, form);
        expect([text, audit(text, all, glossary)]).toEqual([text, null]);
      }),
      { numRuns: 60 },
    );
  });
});

it('a capital of another language is none: the Turkish İ is not the I of others', () => {
  const turkish = ODD['two kinds of i'] as Glossary;
  const flags = (item: string) => readText({ blocks: [{ kind: 'list', items: [item] }] }, turkish);
  expect(flags('İzler')).toEqual([{ kind: 'flag', flag: 'fire', photos: [] }]);
  expect(flags('Izler')).toEqual([{ kind: 'flag', flag: 'hail', photos: [] }]);
  expect(flags('izler')).toEqual({ unreadable: 'string', at: 0 });
});
