import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { audit } from '../../../src/assessment/audit/audit.js';
import type { DescriptionBlock, DescriptionText } from '../../../src/assessment/description.js';
import { stringsOf, withStrings } from '../../../src/assessment/description.js';
import { renderText } from '../../../src/assessment/text/render.js';
import type { DamageStatement, Statement } from '../../../src/assessment/text/statement.js';
import { glossaries, runs, THOROUGH } from './glossaries.js';
import { damage, photos, statements } from './statements.js';

/** What no glossary says, in whatever language a text is. */
const FOREIGN = [
  'Accident-free.',
  'Seller is a liar.',
  'Unfallfrei.',
  'Не битый, не крашеный.',
  'No damage.',
  'N/A',
  ' ',
  '<b>VIN WVWZZZ1JZXW000001</b>',
  'Price 4,500.',
  '(to be checked)',
];

/** A text with a bit of everything, on which every single letter is changed. */
const RICH: readonly Statement[] = [
  { kind: 'vehicle', vehicle: null, body: 'estate', colour: 'silver', doors: 'five' },
  { kind: 'odometer', value: 84_512, unit: 'km' },
  { kind: 'interior', state: 'marked_wear', photos: [5] },
  { kind: 'tyres', state: 'tread_low', photos: [2, 9] },
  { kind: 'flag', flag: 'airbags_deployed', photos: [4, 5, 6] },
  { kind: 'flag', flag: 'hail', photos: [1] },
  dent({ part: 'door', side: 'left', end: 'front', zone: 'lower_half', extent: 'hand', photos: [1, 2] }),
  dent({ part: 'bumper', side: 'right', end: 'rear', type: 'scratch', severity: 'minor', possible: true }),
  dent({ part: 'seat', side: 'unknown', end: 'front', type: 'tear', through: 'fabric', count: 'few', photos: [11] }),
  { kind: 'unconfirmed' },
  { kind: 'partly_visible', areas: ['roof'] },
  { kind: 'not_visible', areas: ['underbody', 'engine_bay'] },
  { kind: 'limits' },
];

describe.each(glossaries)('a text in $tag is refused', (glossary) => {
  const refused = (text: DescriptionText, all: readonly Statement[]) => {
    expect(audit(text, all, glossary), JSON.stringify(text)).not.toBeNull();
  };

  it('when it says another statement: a side, a type, a number, a photo, a doubt', () => {
    fc.assert(
      fc.property(statements, fc.nat(), fc.nat(), damage, photos, (all, which, how, other, shown) => {
        const at = which % all.length;
        const changed = changedStatement(all[at] as Statement, how, other, shown);
        fc.pre(changed !== null && JSON.stringify(changed) !== JSON.stringify(all[at]));
        refused(renderText(all.with(at, changed as Statement), glossary), all);
      }),
      { numRuns: runs(300) },
    );
  });

  it('when a statement is left out, said twice or added', () => {
    fc.assert(
      fc.property(statements, fc.nat(), damage, (all, which, other) => {
        const at = which % all.length;
        refused(renderText(all.toSpliced(at, 1), glossary), all);
        refused(renderText(all.toSpliced(at, 0, all[at] as Statement), glossary), all);
        refused(renderText([...all, other], glossary), all);
      }),
      { numRuns: runs(150) },
    );
  });

  it('when any letter of it is left out, doubled or another', () => {
    const text = renderText(RICH, glossary);
    expect(audit(text, RICH, glossary)).toBeNull();
    const strings = stringsOf(text);
    for (const [index, string] of strings.entries()) {
      for (let at = THOROUGH ? 0 : index % 3; at < string.length; at += THOROUGH ? 1 : 3) {
        const letter = string.charAt(at);
        for (const other of ['', letter + letter, letter === '7' ? '3' : '7', letter === 'ж' ? 'b' : 'ж']) {
          const changed = string.slice(0, at) + other + string.slice(at + 1);
          refused(withStrings(text, strings.with(index, changed)), RICH);
        }
      }
    }
  });

  it('when a sentence or an item stands in it that no glossary says', () => {
    fc.assert(
      fc.property(statements, fc.nat(), fc.constantFrom(...FOREIGN), (all, which, foreign) => {
        const text = renderText(all, glossary);
        const strings = stringsOf(text);
        const at = which % strings.length;
        for (const changed of [`${strings[at] ?? ''} ${foreign}`, `${foreign} ${strings[at] ?? ''}`, foreign]) {
          refused(withStrings(text, strings.with(at, changed)), all);
        }
        refused({ blocks: [...text.blocks, { kind: 'paragraph', text: foreign }] }, all);
        refused({ blocks: [{ kind: 'list', items: [foreign] }, ...text.blocks] }, all);
      }),
      { numRuns: runs(100) },
    );
  });

  it('when one of its strings is in another language', () => {
    const others = glossaries.filter(({ tag }) => tag !== glossary.tag);
    fc.assert(
      fc.property(statements, fc.nat(), fc.constantFrom(...others), (all, which, other) => {
        const text = renderText(all, glossary);
        const own = stringsOf(text);
        const foreign = stringsOf(renderText(all, other));
        const at = which % own.length;
        fc.pre(foreign.length === own.length && foreign[at] !== own[at]);
        refused(withStrings(text, own.with(at, foreign[at] ?? '')), all);
      }),
      { numRuns: runs(150) },
    );
  });

  it('when its blocks are in another order, split or empty', () => {
    fc.assert(
      fc.property(statements, fc.nat(), (all, which) => {
        const { blocks } = renderText(all, glossary);
        const at = which % blocks.length;
        const block = blocks[at] as DescriptionBlock;
        refused({ blocks: [...blocks.slice(0, at), { kind: 'list', items: [] }, ...blocks.slice(at)] }, all);
        refused({ blocks: [...blocks, block] }, all);
        if (blocks.length > 1) refused({ blocks: [...blocks.slice(1), ...blocks.slice(0, 1)] }, all);
        if (block.kind === 'list' && block.items.length > 1) {
          const [first, ...rest] = block.items.map((item): DescriptionBlock => ({ kind: 'list', items: [item] }));
          refused(
            { blocks: [...blocks.slice(0, at), ...(first ? [first] : []), ...rest, ...blocks.slice(at + 1)] },
            all,
          );
        }
      }),
      { numRuns: runs(100) },
    );
  });
});

/** The same statement but for one word; null where there is nothing to change. */
function changedStatement(
  one: Statement,
  how: number,
  other: DamageStatement,
  shown: readonly number[],
): Statement | null {
  switch (one.kind) {
    case 'damage': {
      const place = { part: other.part, side: other.side, end: other.end };
      const side = one.side === 'left' ? 'right' : one.side === 'right' ? 'left' : one.side;
      const changes: readonly Partial<DamageStatement>[] = [
        place,
        { side },
        { type: other.type },
        { severity: other.severity },
        { zone: other.zone },
        { extent: other.extent },
        { through: other.through },
        { count: other.count },
        { possible: !one.possible },
        { photos: shown },
      ];
      return { ...one, ...changes[how % changes.length] };
    }
    case 'flag':
      return how % 2 === 0 ? { ...one, photos: shown } : { ...one, flag: one.flag === 'fire' ? 'hail' : 'fire' };
    case 'interior':
      return how % 2 === 0 ? { ...one, photos: shown } : { ...one, state: 'soiled' };
    case 'tyres':
      return how % 2 === 0 ? { ...one, photos: shown } : { ...one, state: 'tread_visible' };
    case 'odometer':
      return how % 2 === 0 ? { ...one, value: one.value + 1 } : { ...one, unit: one.unit === 'km' ? 'mi' : 'km' };
    case 'vehicle':
      return { ...one, colour: one.colour === 'red' ? 'blue' : 'red' };
    case 'nothing_visible':
      return how % 2 === 0 ? { kind: 'unconfirmed' } : { ...one, areas: one.areas.length === 0 ? ['roof'] : [] };
    case 'unconfirmed':
      return { kind: 'nothing_visible', areas: [] };
    case 'partly_visible':
    case 'not_visible':
      return how % 2 === 0
        ? { ...one, areas: one.areas.slice(1).length === 0 ? ['roof', 'interior'] : one.areas.slice(1) }
        : { ...one, kind: one.kind === 'not_visible' ? 'partly_visible' : 'not_visible' };
    case 'not_assessable':
      return how % 2 === 0 ? { kind: 'nothing_visible', areas: [] } : { ...one, reasons: ['duplicate'] };
    case 'limits':
    case 'simulated':
      return null;
  }
}

function dent(changes: Partial<DamageStatement>): DamageStatement {
  return {
    kind: 'damage',
    part: 'door',
    side: 'n/a',
    end: 'n/a',
    type: 'dent',
    severity: 'severe',
    zone: null,
    extent: null,
    count: 1,
    through: null,
    possible: false,
    photos: [],
    ...changes,
  };
}
