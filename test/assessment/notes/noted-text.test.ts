import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLAYED_NOTES, translatedNote } from '../../../packages/openai-sandbox/src/cars/played-notes.js';
import { audit } from '../../../src/assessment/audit/audit.js';
import { notesIn, withNotes, type DescriptionText, type NoteBlock } from '../../../src/assessment/description.js';
import { renderHtml } from '../../../src/assessment/html.js';
import { recogniser } from '../../../src/describe/recogniser.js';
import { assess } from '../../../src/assessment/assess.js';
import { publishedStatements, publishedText, untranslated } from '../../../src/assessment/published-text.js';
import type { FindingNote } from '../../../src/assessment/text/note-blocks.js';
import { renderText } from '../../../src/assessment/text/render.js';
import type { DamageStatement, Statement } from '../../../src/assessment/text/statement.js';
import type { FindingRow } from '../../../src/assessment/vision-rows.js';
import { glossaries, runs } from '../audit/glossaries.js';
import { statements } from '../audit/statements.js';
import { finding, raised, refs, rows, views } from '../fixtures.js';

const recognises = await recogniser();
const english = glossaries.find(({ tag }) => tag === 'en');
if (english === undefined) throw new Error('no English glossary');

/** A note on every damage. */
function noted(all: readonly Statement[], tag: string): readonly FindingNote[] {
  return all
    .filter((one): one is DamageStatement => one.kind === 'damage')
    .map((damage, index) => {
      const { note } = PLAYED_NOTES[index % PLAYED_NOTES.length] ?? { note: '' };
      const said = tag.startsWith('en') ? note : (translatedNote(note, tag) ?? note);
      return { finding: index + 1, damage, note: said.replace(/[.。]$/, '') };
    });
}

function noteBlocksOf({ blocks }: DescriptionText): readonly NoteBlock[] {
  return blocks.filter((block) => block.kind === 'note');
}

describe.each(glossaries)('a text with notes in $tag', (glossary) => {
  it('is read back as its statements, each note belonging to its damage', () => {
    fc.assert(
      fc.property(statements, fc.constantFrom('usual', 'plain'), (all, form) => {
        const notes = noted(all, glossary.tag);
        expect(audit(renderText(all, glossary, form, notes), all, glossary, notes)).toBeNull();
      }),
      { numRuns: runs(60) },
    );
  });

  it('is refused when a note stands after another damage than its own', () => {
    fc.assert(
      fc.property(statements, (all) => {
        const notes = noted(all, glossary.tag);
        const text = renderText(all, glossary, 'usual', notes);
        const [first, second] = noteBlocksOf(text);
        fc.pre(first !== undefined && second !== undefined && first.before !== second.before);
        const blocks = text.blocks.map((block) =>
          block === first ? { ...first, before: second?.before ?? '' } : block,
        );
        expect(audit({ blocks }, all, glossary, notes)).toEqual({ reason: 'note', note: 'head' });
      }),
      { numRuns: runs(40) },
    );
  });
});

const DENT = finding({ severity: 'severe', note: 'Pressed inward along a soft line.' });

function noticed(...findings: readonly FindingRow[]) {
  const assessment = assess(rows({ findings }), refs(2), { model: 'm', promptVersion: 'p' }, recognises);
  const published = publishedStatements(assessment);
  if ('refused' in published) throw new Error(JSON.stringify(published));
  return published;
}

function publishedTextOf(text: ReturnType<typeof publishedText>): DescriptionText {
  if ('refused' in text) throw new Error(JSON.stringify(text));
  return text.text;
}

function htmlOf(text: ReturnType<typeof publishedText>): string {
  return renderHtml(publishedTextOf(text));
}

describe('a note', () => {
  it('stands in an element of its own, behind the damages, after its damage and the label', () => {
    const { statements: said, notes } = noticed(DENT);
    expect(htmlOf(publishedText(said, { glossary: english }, notes))).toContain(
      '<ul><li>Left front door: dent, severe (photo 1)</li></ul>' +
        '<p>Left front door: dent. Note: Pressed inward along a soft line.</p>',
    );
  });

  it('names all of its damage where the same place has another of that type', () => {
    const deep = finding({
      zone: 'lower_half',
      extent: 'hand',
      severity: 'severe',
      note: 'Folded along a sharp line.',
    });
    const small = finding({
      zone: 'upper_half',
      extent: 'spot',
      severity: 'minor',
      note: 'Shallow and round in outline.',
    });
    const { statements: said, notes } = noticed(deep, small);
    const html = htmlOf(publishedText(said, { glossary: english }, notes));
    expect(html).toContain(
      '<p>Left front door: dent, severe – lower half, hand-sized. Note: Folded along a sharp line.</p>',
    );
    expect(html).toContain(
      '<p>Left front door: dent, minor – upper half, coin-sized. Note: Shallow and round in outline.</p>',
    );
  });

  it('that is not translated leaves no element, and is put where it belongs once it is', () => {
    const { statements: said, notes } = noticed(DENT);
    const german = glossaries.find(({ tag }) => tag === 'de');
    if (german === undefined) throw new Error('no German glossary');
    const waiting = publishedText(said, { glossary: german }, untranslated(notes));
    const without = publishedText(said, { glossary: german });
    expect(htmlOf(waiting)).toBe(htmlOf(without));
    const text = withNotes(publishedTextOf(waiting), new Map([[1, 'Entlang einer weichen Linie eingedrückt']]));
    expect(renderHtml(text)).toContain(
      '<p>Tür vorn links: Delle. Anmerkung: Entlang einer weichen Linie eingedrückt.</p>',
    );
    expect(notesIn(publishedTextOf(publishedText(said, { glossary: english }, notes)))).toEqual([
      { finding: 1, type: 'dent', note: 'Pressed inward along a soft line.' },
    ]);
  });

  it('on an airbag that the flag tells is left out of the text', () => {
    const airbag = finding({
      photos: [1],
      viewpoint: 'interior',
      part: 'airbag',
      side: 'n/a',
      end: 'n/a',
      type: 'airbag_deployed',
      severity: 'severe',
      note: 'Hangs loose and limp.',
    });
    const photos = views('interior');
    const said = rows({ photos, findings: [airbag], flags: raised('airbags_deployed', 1) });
    const assessment = assess(said, refs(1), { model: 'm', promptVersion: 'p' }, recognises);
    expect(assessment.findings[0]?.description).toBe('Hangs loose and limp.');
    expect(publishedStatements(assessment)).toMatchObject({ notes: [] });
  });

  it('is refused by the auditor where it is none of the row’s, or no sentence', () => {
    const { statements: said, notes } = noticed(DENT);
    const text = renderText(said, english, 'usual', notes);
    const [block] = noteBlocksOf(text);
    const judge = (changes: Partial<NoteBlock>, wanted = notes) => {
      const blocks = text.blocks.map((one) => (one === block && block !== undefined ? { ...block, ...changes } : one));
      return audit({ blocks }, said, english, wanted);
    };
    expect(judge({})).toBeNull();
    expect(judge({ note: 'No damage at all' })).toEqual({ reason: 'note', note: 'other_notes' });
    expect(judge({ finding: 2 })).toEqual({ reason: 'note', note: 'other_notes' });
    expect(judge({}, [])).toEqual({ reason: 'note', note: 'other_notes' });
    expect(judge({ after: '' })).toEqual({ reason: 'note', note: 'head' });
    expect(judge({ before: 'Note: ' })).toEqual({ reason: 'note', note: 'head' });
    for (const note of ['See photo 7', 'Bent. Folded', '<b>bent</b>', '-']) {
      const wanted = notes.map((one) => ({ ...one, note }));
      expect(judge({ note }, wanted)).toEqual({ reason: 'note', note: 'words' });
    }
    const blocks = [...text.blocks.filter((one) => one !== block), ...(block === undefined ? [] : [block])];
    expect(audit({ blocks }, said, english, notes)).toEqual({ reason: 'note', note: 'order' });
  });
});
