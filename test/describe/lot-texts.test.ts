import { describe, expect, it } from 'vitest';
import { assess } from '../../src/assessment/assess.js';
import type { Assessment } from '../../src/assessment/assessment.js';
import { parseVisionAnswer } from '../../src/assessment/vision-answer.js';
import { metricsRegistry } from '../../src/common/metrics-registry.js';
import type { AppConfig } from '../../src/config/app-config.js';
import { loadConfig } from '../../src/config/load-config.js';
import { LotError } from '../../src/describe/lot-error.js';
import { LotTexts, textsOrError, type AnsweredSource, type AssessedAnswer } from '../../src/describe/lot-texts.js';
import { ModelSettings } from '../../src/describe/model-settings.js';
import { findingReply, reply, responseWith, rows, twoPhotos } from '../assessment/fixtures.js';
import { unreadable } from '../support/odd-glossaries.js';

const config = loadConfig({ SHARED_KEY: 'k'.repeat(32), OPENAI_API_KEY: 'test' });

/** Writes with the words that are shipped. */
function textsOf(changed: AppConfig = config) {
  const settings = new ModelSettings(changed);
  const texts = new LotTexts(settings);
  return {
    write: (assessed: AssessedAnswer, languages: readonly string[], batch: boolean) =>
      texts.write(assessed, languages, settings.glossaries, batch),
    rewrite: (source: AnsweredSource, languages: readonly string[]) =>
      texts.rewrite(source, languages, settings.glossaries),
  };
}

/** An answer with a dent, whose rear is not shown. */
function answer(metadata: Record<string, string> = {}): AssessedAnswer {
  const body = responseWith(JSON.stringify(reply({ findings: [findingReply()] })), { metadata });
  const read = parseVisionAnswer(body, twoPhotos, 'vision-2');
  if (read.kind !== 'assessed') throw new Error(JSON.stringify(read));
  return read;
}

async function count(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
  const metric = await metricsRegistry.getSingleMetric(name)?.get();
  const found = metric?.values.find((value) =>
    Object.entries(labels).every(([key, text]) => value.labels[key] === text),
  );
  return found?.value ?? 0;
}

describe('the texts of an assessed lot', () => {
  it('are written in all languages that have words, and name what they were written with', () => {
    const texts = textsOrError(textsOf().write(answer(), ['de', 'fi', 'en', 'pt-br'], true));
    expect(texts.others.map(({ language, fallback }) => [language, fallback])).toEqual([
      ['de', false],
      ['pt-br', false],
    ]);
    expect(texts.english.html).toContain('<li>Left front door: dent');
    expect(texts.others[0]?.html).toContain('<li>Tür vorn links: Delle');
    const { glossary } = texts.english.assessment as Assessment;
    expect(Object.keys(glossary)).toEqual(['en', 'de', 'pt-br']);
    expect(glossary['de']).toEqual({
      version: expect.stringMatching(/^[\da-f]{12}$/) as string,
      state: expect.stringMatching(/^(?:machine|checked|reviewed)$/) as string,
    });
    expect(texts.english).toMatchObject({
      language: 'en',
      raw: { findings: [{ part: 'door' }] },
      responseId: 'resp_1',
    });
  });

  it('are written in English also when nobody asked for it, and name only what was asked for', () => {
    const texts = textsOrError(textsOf().write(answer(), ['en-US'], false));
    expect(texts.english.language).toBe('en');
    expect(texts.others.map(({ language }) => language)).toEqual(['en-US']);
    expect(Object.keys((texts.english.assessment as Assessment).glossary)).toEqual(['en-US']);
  });

  it('say once that they are a simulation where the response says so of itself', () => {
    const simulated = textsOrError(textsOf().write(answer({ simulated: 'true' }), ['en', 'de'], false));
    for (const { html } of [simulated.english, ...simulated.others]) expect(html.match(/Simulation/g)).toHaveLength(1);
    const real = textsOrError(textsOf().write(answer({ simulated: 'no' }), ['en', 'de'], false));
    for (const { html } of [real.english, ...real.others]) expect(html).not.toContain('Simulation');
    expect((simulated.english.assessment as Assessment).simulated).toBe(true);
  });

  it('carry English, marked, in a language whose text is refused, and a metric counts it', async () => {
    const before = await count('texts_rejected_total', { language: 'de', reason: 'unreadable' });
    const texts = textsOrError(textsOf(unreadable(config, 'de')).write(answer(), ['de', 'fr'], false));
    expect(texts.others.map(({ language, fallback }) => [language, fallback])).toEqual([
      ['de', true],
      ['fr', false],
    ]);
    expect(texts.others[0]?.html).toBe(texts.english.html);
    expect(Object.keys((texts.english.assessment as Assessment).glossary)).toEqual(['fr']);
    expect(await count('texts_rejected_total', { language: 'de', reason: 'unreadable' })).toBe(before + 1);
  });

  it('are none where English is refused in both forms: the answer is kept, without a text', async () => {
    const before = await count('lots_text_rejected_total');
    const texts = textsOf(unreadable(config, 'en')).write(answer(), ['de', 'en'], false);
    expect(texts).toMatchObject({
      kind: 'rejected',
      row: { language: 'en', html: '', strings: { blocks: [] }, assessment: { glossary: {} }, responseId: 'resp_1' },
    });
    expect(await count('lots_text_rejected_total')).toBe(before + 1);
    const thrown = (() => {
      try {
        return textsOrError(texts);
      } catch (error) {
        return error as LotError;
      }
    })() as LotError;
    expect(thrown).toMatchObject({ code: 'TEXT_REJECTED', row: { language: 'en', html: '' } });
    expect(thrown.toServiceError()).toMatchObject({ code: 'OPENAI_API_ERROR', details: { reason: 'text_rejected' } });
    expect(LotError.fromStored(thrown.toStored(), [])).toMatchObject({ code: 'TEXT_REJECTED' });
  });
});

describe('the texts of a lot that an earlier version described', () => {
  const strings = { blocks: [{ kind: 'paragraph', text: 'The photos show 1 damage finding: 1 severe.' }] };
  const stored = { strings, model: 'gpt-5.6-terra', photos: twoPhotos };

  it('are written from its rows', () => {
    const assessment = assess(rows({ findings: [] }), twoPhotos, { model: 'm', promptVersion: 'p' });
    const { rows: late, assessment: named } = textsOf().rewrite({ ...stored, assessment, raw: null }, ['de']);
    const [german] = late;
    expect(named?.glossary).toMatchObject({ de: { version: expect.any(String) as string } });
    expect(german).toMatchObject({ language: 'de', fallback: false, model: 'gpt-5.6-terra' });
    expect(german?.html).toMatch(/^<p>Kombi silber|^<p>Silberner|^<p>Kombi/);
  });

  it('are English, marked, where its rows cannot be read', () => {
    const { rows: late, assessment } = textsOf().rewrite(
      { ...stored, assessment: { schema_version: '1-0' }, raw: { odd: true } },
      ['de'],
    );
    const [german] = late;
    expect(assessment).toBeNull();
    expect(german).toMatchObject({
      language: 'de',
      fallback: true,
      html: '<p>The photos show 1 damage finding: 1 severe.</p>',
    });
  });
});
