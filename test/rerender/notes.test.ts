import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PLAYED_NOTES } from '../../packages/openai-sandbox/src/cars/played-notes.js';
import { notesIn, withNotes, type DescriptionText } from '../../src/assessment/description.js';
import { findingReply, reply } from '../assessment/fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { rerenderOn } from './rig.js';
import { storedJob, TRANSLATION_USAGE } from './stored-job.js';

const NEVER = new AbortController().signal;
const DENT = { part: 'fender', side: 'left', end: 'front', type: 'dent', photos: [2], severity: 'minor' } as const;
const SCRATCH = { ...DENT, part: 'door', type: 'scratch' } as const;
const [, PRESSED, PALE] = PLAYED_NOTES;

const answer = (...notes: readonly (string | null)[]) => {
  const findings = [DENT, SCRATCH].map((row, index) => ({ ...findingReply(row), note: notes[index] ?? null }));
  return { ...reply(), findings };
};

// Real: PostgreSQL, the checks of notes and the recogniser, the way from rows to texts. Faked: nothing.
describe('a job with notes that is written anew', () => {
  let db: TestDatabase;

  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(() => db.drop());

  const jobWith = (raw: unknown, include: 'notes'[] = ['notes']) =>
    storedJob(db, { raw, columns: { options: { include } } });

  async function shown(id: string, language: string): Promise<{ html: string; notes: string[]; usage: unknown }> {
    const [row] = await db.database.query<{ html: string; strings: DescriptionText; usage: unknown }>(
      `select r.html, r.strings, r.usage from batch_results r join batch_jobs j on j.id = r.job_id and j.revision = r.revision
       where r.job_id = $1 and r.language = $2`,
      [id, language],
    );
    if (row === undefined) throw new Error(`there is no row in ${language}`);
    return { html: row.html, notes: notesIn(row.strings).map(({ note }) => note), usage: row.usage };
  }

  /** Stores translations as they are stored when the model has answered: in the German text, in the order of its notes. */
  async function translated(id: string, ...notes: readonly string[]): Promise<void> {
    const [row] = await db.database.query<{ strings: DescriptionText; revision: number }>(
      `select r.strings, r.revision from batch_results r join batch_jobs j on j.id = r.job_id and j.revision = r.revision
       where r.job_id = $1 and r.language = 'de'`,
      [id],
    );
    const { strings, revision } = row as { strings: DescriptionText; revision: number };
    const places = strings.blocks.flatMap((block) => (block.kind === 'note' ? [block.finding] : []));
    expect(places).toHaveLength(notes.length);
    const text = withNotes(strings, new Map(places.map((finding, index) => [finding, notes[index] ?? ''])));
    await db.database.execute(
      `update batch_results set strings = $3 where job_id = $1 and language = 'de' and revision = $2`,
      [id, revision, JSON.stringify(text)],
    );
  }

  const answeredNow = (id: string, raw: unknown) =>
    db.database.execute(`update batch_results set raw = $2 where job_id = $1 and language = 'en' and revision = 0`, [
      id,
      JSON.stringify(raw),
    ]);

  const german = ({ translations }: { translations: Readonly<Record<string, string>> } = { translations: {} }) =>
    (translations['de'] ?? '').replace(/\.$/, '');

  it('has its English notes again, judged again, and none in a language that has no translation', async () => {
    const id = await jobWith(answer(PRESSED?.note ?? '', 'The seller says that repair costs about 800 euros.'));
    await rerenderOn(db).rerender(id, NEVER);
    const english = await shown(id, 'en');
    expect(english.notes).toEqual([PRESSED?.note]);
    expect(english.html).toContain(`Note: ${PRESSED?.note}`);
    expect(english.html).not.toContain('800');
    const other = await shown(id, 'de');
    expect(other.notes).toEqual([]);
    expect(other.html).toContain('Tür vorn links');
  });

  it('keeps the translations of notes that say what they said', async () => {
    const id = await jobWith(answer(PRESSED?.note ?? '', PALE?.note ?? ''));
    await rerenderOn(db).rerender(id, NEVER);
    await translated(id, german(PRESSED), german(PALE));
    await rerenderOn(db).rerender(id, NEVER);
    const { html, notes, usage } = await shown(id, 'de');
    expect(notes).toEqual([`${german(PRESSED)}.`, `${german(PALE)}.`]);
    expect(html).toContain(german(PRESSED));
    expect(usage).toEqual(TRANSLATION_USAGE);
  });

  it('leaves a translation out whose note says something else by now, and puts no other in its place', async () => {
    const id = await jobWith(answer(PRESSED?.note ?? '', PALE?.note ?? ''));
    await rerenderOn(db).rerender(id, NEVER);
    await translated(id, german(PRESSED), german(PALE));
    await answeredNow(id, answer('The metal is folded along a sharp line.', PALE?.note ?? ''));
    await rerenderOn(db).rerender(id, NEVER);
    expect((await shown(id, 'en')).notes).toEqual(['The metal is folded along a sharp line.', PALE?.note]);
    const { html, notes } = await shown(id, 'de');
    expect(notes).toEqual([`${german(PALE)}.`]);
    expect(html).not.toContain(german(PRESSED));
  });

  it('judges stored translations as new ones', async () => {
    const id = await jobWith(answer(PRESSED?.note ?? '', PALE?.note ?? ''));
    await rerenderOn(db).rerender(id, NEVER);
    await translated(id, 'Links entlang einer weichen Linie eingedrückt', german(PALE));
    await rerenderOn(db).rerender(id, NEVER);
    expect((await shown(id, 'de')).notes).toEqual([`${german(PALE)}.`]);
  });

  it('has none where its job has not asked for any, whatever the answer holds', async () => {
    const id = await jobWith(answer(PRESSED?.note ?? '', PALE?.note ?? ''), []);
    await rerenderOn(db).rerender(id, NEVER);
    const { html, notes } = await shown(id, 'en');
    expect(notes).toEqual([]);
    expect(html).not.toContain('Note:');
  });
});
