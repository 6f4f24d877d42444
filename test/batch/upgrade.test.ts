import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stringsOf, type DescriptionText } from '../../src/assessment/description.js';
import { buildTranslationRequest } from '../../src/assessment/translation.js';
import { AwaitedWords } from '../../src/batch/limits/awaited-words.js';
import { RequestFile, type AskingJob, type FileFacts } from '../../src/batch/lines/request-file.js';
import { customId, directTry } from '../../src/batch/shards/tries.js';
import { ModelSettings } from '../../src/describe/model-settings.js';
import type { ShardLots } from '../../src/jobs/lot-store.js';
import { ModelLotReader } from '../../src/jobs/model-lot-reader.js';
import { BatchRig } from './rig.js';

// On the day of the upgrade OpenAI still works on what an earlier version sent, and its translation shards are queued.

describe('what an earlier version left', () => {
  let rig: BatchRig;
  beforeEach(async () => {
    rig = await BatchRig.start();
    await rig.fault({ action: 'scene', scene: 'old_schema', kind: 'vision' });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await rig.close();
  });

  /** The request file of an earlier version's translation shard: the whole English text of each lot, for all languages but English. */
  async function* wholeTexts(lots: ShardLots, job: AskingJob, facts: FileFacts) {
    const settings = rig.module.get(ModelSettings, { strict: false });
    const rows = await rig.module.get(ModelLotReader, { strict: false }).translationPage(lots, lots.first, 100);
    const lines = rows.map(([position, json]) => {
      const strings = stringsOf(JSON.parse(json) as DescriptionText);
      const body = buildTranslationRequest(strings, settings.toTranslate(job.languages), settings.translation);
      const custom_id = customId(position, lots.attempt);
      return `${JSON.stringify({ custom_id, method: 'POST', url: '/v1/responses', body })}\n`;
    });
    const file = Buffer.from(lines.join(''));
    Object.assign(facts, { lines: lines.length, bytes: file.length, tokens: file.length, splitAt: null });
    yield file;
  }

  /** Only English has words in an earlier version; all else is translated. */
  function earlierVersion(): () => void {
    const settings = rig.module.get(ModelSettings, { strict: false });
    const { english } = settings.glossaries;
    const isEnglish = (tag: string) => tag.toLowerCase().startsWith('en');
    const words = vi.spyOn(settings.glossaries, 'for');
    words.mockImplementation((tag) => (isEnglish(tag) ? english : null));
    const translated = vi.spyOn(settings, 'toTranslate');
    translated.mockImplementation((languages) => languages.filter((tag) => !isEnglish(tag)));
    const awaited = vi.spyOn(rig.module.get(AwaitedWords, { strict: false }), 'isAwaited').mockResolvedValue(false);
    const file = rig.module.get(RequestFile, { strict: false });
    const write = file.write.bind(file);
    const asked = vi.spyOn(file, 'write');
    asked.mockImplementation((lots, job, limits, facts) =>
      lots.stage === 'vision' ? write(lots, job, limits, facts) : wholeTexts(lots, job, facts),
    );
    return () => {
      for (const spy of [words, translated, awaited, asked]) spy.mockRestore();
    };
  }

  const shardIs = (stage: string, status: string) => async () =>
    (await rig.shards()).some((shard) => shard.stage === stage && shard.status === status);

  /** Runs single stages in order until a shard is there, so that the next stage does not take it on. */
  async function runTo(stage: string, status: string): Promise<void> {
    for (const name of ['photos', 'submit', 'watch', 'take-in', 'submit', 'watch'] as const) {
      for (let round = 0; round < 50 && !(await shardIs(stage, status)()); round += 1) {
        await rig.makeDue();
        if ((await rig.run(name)) === 0) break;
      }
    }
    if (!(await shardIs(stage, status)())) throw new Error(JSON.stringify(await rig.shards()));
  }

  /** The rows of English as that version wrote them: with the model's own words, and by the schema before. */
  async function asWritten(id: string): Promise<void> {
    const text = { blocks: [{ kind: 'paragraph', text: 'The photos show 1 damage finding: 1 moderate.' }] };
    await rig.db.database.execute(
      `update batch_results set strings = $2, html = '<p>The photos show 1 damage finding: 1 moderate.</p>',
         schema_version = '1-0a0b0c0d',
         assessment = json_build_object('model', 'm', 'prompt_version', 'vision-1', 'schema_version', '1-0a0b0c0d')
       where job_id = $1`,
      [id, JSON.stringify(text)],
    );
  }

  const german = (id: string) =>
    rig.db.database.query<{ html: string; fallback: boolean }>(
      `select html, fallback from batch_results where job_id = $1 and language = 'de' order by position`,
      [id],
    );

  it.each([
    ['queued', 0],
    ['watching', 3],
    ['submitting', 3],
    ['taking_in', 3],
    ['direct', 0],
  ] as const)(
    'a translation shard that is %s ends without another call, its lots in the words of their rows',
    async (state, sent) => {
      const upgrade = earlierVersion();
      const id = await rig.job({ lots: 3, languages: ['de', 'en', 'fr'] });
      await runTo('translation', state === 'submitting' ? 'watching' : state === 'direct' ? 'queued' : state);
      await asWritten(id);
      if (state === 'submitting') {
        // It died between the batch and its row.
        await rig.db.database.execute(
          `update openai_batches set status = 'submitting', batch_id = null, lock_token = null where stage = 'translation'`,
        );
      }
      if (state === 'direct') {
        await rig.db.database.execute('update batch_lots set attempt = $1', [directTry(0)]);
        await rig.db.database.execute(
          `update openai_batches set status = 'direct', attempt = $1 where stage = 'translation'`,
          [directTry(0)],
        );
      }
      const batches = await rig.created();
      upgrade();
      expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3, failed_lots: 0 });
      expect(await rig.created()).toEqual(batches);
      expect(await rig.directCalls()).toBe(0);
      expect(await rig.countedCalls(id)).toEqual({ vision: 3, ...(sent > 0 ? { translation: sent } : {}) });
      expect(await rig.results(id)).toEqual(
        [0, 1, 2].flatMap((lot) => ['de', 'en', 'fr'].map((tag) => `${lot} ${tag}`)),
      );
      for (const { html } of await german(id)) {
        expect(html).toMatch(/<li>Tür (?:vorn|hinten) links: Delle/);
        expect(html).not.toMatch(/Simulation: |damage|liar|Reparatur/);
      }
      await rig.runUntil(() => rig.settled());
      expect(await rig.audit(id)).toEqual([]);
    },
  );

  it('lots whose rows can no longer be read are completed in English, without a call', async () => {
    const upgrade = earlierVersion();
    const id = await rig.job({ lots: 2, languages: ['de'] });
    await runTo('translation', 'queued');
    await asWritten(id);
    await rig.db.database.execute(`update batch_results set raw = '{"odd":true}'`);
    upgrade();
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 2 });
    expect(await rig.results(id)).toEqual(['0 de fallback', '0 en', '1 de fallback', '1 en']);
    expect(await rig.countedCalls(id)).toEqual({ vision: 2 });
  });

  it.each(['watching', 'taking_in'] as const)(
    'a vision shard that is %s gives its answers by the schema before, and needs no translation',
    async (state) => {
      const upgrade = earlierVersion();
      const id = await rig.job({ lots: 3, languages: ['de', 'ja'] });
      await runTo('vision', state);
      upgrade();
      expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 3 });
      expect(await rig.countedCalls(id)).toEqual({ vision: 3 });
      expect(await rig.directCalls()).toBe(0);
      for (const { html } of await german(id)) {
        expect(html).toMatch(/Delle/);
        expect(html).not.toMatch(/unter dem Griff|liar/);
      }
      expect(await rig.audit(id)).toEqual([]);
    },
  );

  it('a job that was to be translated into a language without words waits for them, and is not translated', async () => {
    const upgrade = earlierVersion();
    const id = await rig.job({ lots: 2, languages: ['de', 'fi'] });
    await runTo('translation', 'queued');
    await asWritten(id);
    upgrade();
    expect(await rig.runToEnd(id)).toMatchObject({ status: 'completed', processed_lots: 2 });
    expect(await rig.results(id)).toEqual(['0 de', '0 en', '0 fi', '1 de', '1 en', '1 fi']);
    expect(await rig.countedCalls(id)).toEqual({ vision: 2 });
    expect(await rig.audit(id)).toEqual([]);
  });
});
