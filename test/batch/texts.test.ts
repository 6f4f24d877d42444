import { afterEach, describe, expect, it } from 'vitest';
import type { Assessment } from '../../src/assessment/assessment.js';
import type { AppConfig } from '../../src/config/app-config.js';
import { LotResultReader } from '../../src/jobs/lot-result-reader.js';
import { JobReader } from '../../src/jobs/job-reader.js';
import { unreadable } from '../support/odd-glossaries.js';
import { BatchRig } from './rig.js';

const SIX = ['en-US', 'de', 'ru', 'pl', 'ar', 'ja'];

describe('the texts of a batch', () => {
  let rig: BatchRig;
  afterEach(() => rig.close());
  const start = async (change?: (config: AppConfig) => AppConfig) => {
    rig = await BatchRig.start({}, {}, change);
  };

  const rows = (id: string) =>
    rig.db.database.query<{ language: string; html: string; assessment: Assessment | null; raw: unknown }>(
      'select language, html, assessment, raw from batch_results where job_id = $1 order by position, language',
      [id],
    );

  /** The lots as clients read them. */
  async function shown(id: string): Promise<Record<string, unknown>[]> {
    const job = await rig.module.get(JobReader, { strict: false }).find(id, 'acme');
    const lots = [];
    const reader = rig.module.get(LotResultReader, { strict: false });
    for await (const lot of reader.readLots(job)) lots.push(JSON.parse(lot) as Record<string, unknown>);
    return lots;
  }

  it('are all there after one stage in six languages that have words, without a translation', async () => {
    await start();
    const id = await rig.job({ lots: 3, languages: SIX });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
    expect((await rig.shards()).map(({ stage }) => stage)).toEqual(['vision']);
    expect(Object.keys(await rig.created())).toHaveLength(1);
    expect(await rig.countedCalls(id)).toEqual({ vision: 3 });
    expect(await rig.directCalls()).toBe(0);
    expect(await rig.results(id)).toEqual(
      [0, 1, 2].flatMap((lot) => [...SIX, 'en'].toSorted().map((tag) => `${lot} ${tag}`)),
    );
    const [source] = (await rows(id)).filter(({ assessment }) => assessment !== null);
    expect(Object.keys(source?.assessment?.glossary ?? {})).toEqual(SIX);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('in languages that have words are there while one without waits for its glossary, and none is translated', async () => {
    await start();
    const id = await rig.job({ lots: 2, languages: ['de', 'fi'] });
    await rig.runUntil(async () => (await rig.jobRow(id))['status'] === 'translating');
    expect((await rig.results(id)).slice(0, 2)).toEqual(['0 de', '0 en']);
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 2 });
    expect(await rig.results(id)).toEqual(['0 de', '0 en', '0 fi', '1 de', '1 en', '1 fi']);
    // The glossary is no cost of the job.
    expect(await rig.countedCalls(id)).toEqual({ vision: 2 });
    expect(await rig.directCalls()).toBe(1);
    const [source] = (await rows(id)).filter(({ assessment }) => assessment !== null);
    expect(source?.assessment?.glossary).toMatchObject({ de: {}, fi: { state: 'machine' } });
    const german = (await rows(id)).filter(({ language }) => language === 'de');
    for (const { html } of german) expect(html).toMatch(/Kein Modell hat diese Fotos gesehen/);
    expect(await rig.audit(id)).toEqual([]);
  });

  it('that are refused in a language are English there, and named as missing', async () => {
    await start((config) => unreadable(config, 'de'));
    const id = await rig.job({ lots: 1, languages: ['de', 'fr'] });
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 1 });
    expect(await rig.results(id)).toEqual(['0 de fallback', '0 en', '0 fr']);
    expect(await shown(id)).toMatchObject([{ status: 'completed', pending_languages: ['de'] }]);
    expect(await rig.countedCalls(id)).toEqual({ vision: 1 });
  });

  it.each([
    ['in a batch', {}],
    ['directly', { action: 'line_status', status: 500, code: 'server_error', kind: 'vision' }],
  ])(
    'that are refused in English fail their lots, keep the answers, and nobody is asked again: %s',
    async (how, fault) => {
      await start((config) => unreadable(config, 'en'));
      if ('action' in fault) await rig.fault(fault);
      const id = await rig.job({ lots: 2, languages: ['de', 'fi'] });
      expect(await rig.runToEnd(id)).toMatchObject({ status: 'failed', failed_lots: 2, awaiting_translation: 0 });
      expect((await rig.lots(id)).map(({ error }) => error?.code)).toEqual(['TEXT_REJECTED', 'TEXT_REJECTED']);
      expect(await rig.countedCalls(id)).toEqual({ vision: 2 });
      expect(await rig.directCalls()).toBe(how === 'directly' ? 2 : 0);
      const kept = await rows(id);
      expect(kept).toMatchObject([
        { language: 'en', html: '', assessment: { glossary: {} } },
        { language: 'en', html: '' },
      ]);
      for (const { raw } of kept) expect(raw).toHaveProperty('findings');
      expect(await shown(id)).toMatchObject([
        { status: 'failed', descriptions: [], error: { code: 'TEXT_REJECTED' } },
        { status: 'failed', descriptions: [], error: { code: 'TEXT_REJECTED' } },
      ]);
      expect(await rig.audit(id)).toEqual([]);
    },
  );
});
