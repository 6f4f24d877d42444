import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { glossaries } from '../assessment/audit/glossaries.js';
import { BatchRig } from './rig.js';

function glossaryOf(tag: string) {
  const found = glossaries.find((glossary) => glossary.tag === tag);
  if (found === undefined) throw new Error(`no glossary ${tag}`);
  return found;
}

const NOTES = { include: ['notes'] } as const;
const LANGUAGES = ['en', 'de', 'ru', 'ja', 'en-US'];

describe('a batch with notes', () => {
  let rig: BatchRig;
  beforeEach(async () => {
    rig = await BatchRig.start();
  });
  afterEach(() => rig.close());

  const htmlOf = async (id: string, position = 0) => {
    const rows = await rig.db.database.query<{ language: string; html: string }>(
      'select language, html from batch_results where job_id = $1 and position = $2',
      [id, position],
    );
    return Object.fromEntries(rows.map(({ language, html }) => [language, html]));
  };
  const callsOf = async (id: string) => {
    const rows = await rig.db.database.query<{ stage: string; calls: number }>(
      'select stage, sum(calls)::int as calls from job_usage where job_id = $1 group by stage',
      [id],
    );
    return Object.fromEntries(rows.map(({ stage, calls }) => [stage, calls]));
  };
  const scene = (name: string) => rig.fault({ action: 'scene', scene: name, kind: 'vision' });

  it('translates them in a second stage, one line a lot, and puts each after its damage', async () => {
    await scene('two_dents');
    const id = await rig.job({ lots: 3, languages: LANGUAGES, options: NOTES });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
    expect(await rig.audit(id)).toEqual([]);
    expect(await callsOf(id)).toEqual({ vision: 3, translation: 3 });
    expect((await rig.shards()).map(({ stage }) => stage)).toEqual(['vision', 'translation']);
    const html = await htmlOf(id);
    expect(html['en']).toContain('Note: Pressed inward along a soft line.</p>');
    expect(html['en-US']).toContain('Note: Pressed inward along a soft line.</p>');
    expect(html['de']).toContain('Anmerkung: Entlang einer weichen Linie eingedrückt.</p>');
    expect(html['ru']).toContain('Примечание: Вдавлено внутрь вдоль плавной линии.</p>');
    expect(html['ja']).toContain('備考：なだらかな線に沿って内側に押し込まれている。</p>');
  });

  it('asks for none, and translates nothing, where the job has not asked', async () => {
    await scene('two_dents');
    const id = await rig.job({ lots: 2, languages: LANGUAGES });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed' });
    expect(await callsOf(id)).toEqual({ vision: 2 });
    expect(JSON.stringify(await htmlOf(id))).not.toMatch(/Note:|Anmerkung:/);
  });

  it('needs no second stage for lots of which no note is left, nor for English', async () => {
    await scene('clean');
    const clean = await rig.job({ lots: 2, languages: LANGUAGES, options: NOTES });
    expect(await rig.runToEnd(clean)).toMatchObject({ status: 'completed' });
    expect(await callsOf(clean)).toEqual({ vision: 2 });
    await rig.sandbox.call('DELETE', '/sandbox/faults');
    await scene('two_dents');
    const english = await rig.job({ lots: 1, languages: ['en', 'en-US'], options: NOTES });
    expect(await rig.runToEnd(english)).toMatchObject({ status: 'completed' });
    expect(await callsOf(english)).toEqual({ vision: 1 });
    expect((await htmlOf(english))['en-US']).toContain('Note:');
  });

  it('refuses at the source what a note may not say, and marks the rows', async () => {
    await scene('wrong_notes');
    const id = await rig.job({ lots: 1, languages: ['en', 'de'], options: NOTES });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed' });
    const [row] = await rig.db.database.query<{ findings: { description: string | null; review_reasons: string[] }[] }>(
      `select assessment->'findings' as findings from batch_results where job_id = $1 and language = 'en'`,
      [id],
    );
    const said = row?.findings.map(({ description, review_reasons }) => description ?? review_reasons.at(-1));
    expect(said?.toSorted()).toEqual([
      'Pressed inward along a soft line.',
      'note_refused',
      'note_refused',
      'note_refused',
      'suspicious_text',
      'unsupported_claim',
    ]);
    const html = await htmlOf(id);
    expect(html['en']?.match(/Note:/g)).toHaveLength(1);
    expect(html['de']?.match(/Anmerkung:/g)).toHaveLength(1);
    expect(JSON.stringify(html)).not.toMatch(/800|instructions|scharfem|N\/A/);
  });

  it('leaves a note out where its translation does not pass; the others and the text stand', async () => {
    await scene('wrong_translation');
    const languages = ['en', 'de', 'fr', 'es', 'it', 'pl', 'uk', 'tr', 'ja', 'ar'];
    const id = await rig.job({ lots: 1, languages, options: NOTES });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed' });
    expect(await rig.results(id)).toEqual(languages.toSorted().map((language) => `0 ${language}`));
    const { en, ...others } = await htmlOf(id);
    expect(en?.match(/<p>[^<]*Note: [^<]*<\/p>/g)).toHaveLength(2);
    for (const [language, html] of Object.entries(others)) {
      // White space is made plain in HTML.
      const [label = ''] = glossaryOf(language).sentences.note.split(/\s|\{/u);
      expect([language, html.split(label).length - 1]).toEqual([language, 1]);
      expect(html, language).not.toMatch(/Photo 7|Links|Bereich|Kaza|brillant|Блеск|光泽/);
    }
  });

  it('ends with the text alone when no translation comes', async () => {
    await scene('two_dents');
    await rig.fault({ action: 'broken_json', kind: 'translation' });
    const id = await rig.job({ lots: 1, languages: ['en', 'de'], options: NOTES });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 1 });
    expect(await rig.results(id)).toEqual(['0 de', '0 en']);
    const { de } = await htmlOf(id);
    expect(de).toContain('Tür vorn links');
    expect(de).not.toContain('Anmerkung');
    expect(await rig.audit(id)).toEqual([]);
  });

  it('asks one by one for notes that no batch could translate', async () => {
    await scene('two_dents');
    await rig.fault({ action: 'line_missing', kind: 'translation' });
    const id = await rig.job({ lots: 2, languages: ['en', 'de', 'fr'], options: NOTES });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 2 });
    expect((await htmlOf(id))['de']).toContain('Anmerkung: Entlang einer weichen Linie eingedrückt.</p>');
    expect(await rig.audit(id)).toEqual([]);
  });

  it('keeps within the limit of its cost, its notes translated one after another', async () => {
    await scene('two_dents');
    await rig.fault({ action: 'line_missing', kind: 'translation' });
    const options = { ...NOTES, max_cost_usd: 5 };
    const id = await rig.job({ lots: 2, languages: ['en', 'de', 'fr'], options });
    const job = await rig.runToEnd(id);
    expect(job).toMatchObject({ status: 'completed', processed_lots: 2 });
    expect(Number(job['cost_usd']) + Number(job['reserved_usd'])).toBeLessThan(5);
    expect((await htmlOf(id))['fr']).toContain('Remarque : Enfoncé le long d’une ligne douce.</p>');
  });
});
