import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClientWords } from '../../src/assessment/client-words.js';
import { CurrentGlossaries } from '../../src/glossaries/current-glossaries.js';
import { aNewJob, GlossaryRig, type Replica } from './rig.js';

// Real: PostgreSQL, the sandbox over HTTP.

const KEYS = JSON.stringify({ acme: 'a'.repeat(32), beta: 'b'.repeat(32) });
const DENT = { 'types.dent': 'Beule' };

let rig: GlossaryRig;
beforeEach(async () => {
  rig = await GlossaryRig.start();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rig.close();
});

/** A process whose setting gives acme these words. */
function replica(words: ClientWords, files: Readonly<Record<string, string>> = {}): Promise<Replica> {
  const setting = JSON.stringify({ acme: words });
  return rig.replica({ SHARED_KEY: '', SHARED_KEYS: KEYS, GLOSSARY_WORDS: setting }, files);
}

const dentOf = async ({ glossaries }: Replica, job: string, language = 'de') =>
  (await glossaries.wordsOf(job)).for(language)?.glossary.types.dent;

describe('a job of a client with words of its own', () => {
  it('keeps those that it began with, by their version, after a restart with others and with none', async () => {
    const one = await replica({ de: DENT });
    const languages = ['de', 'de-AT', 'fr'];
    const pinned = await one.glossaries.pin(aNewJob('acme', languages));
    const job = await rig.job(languages, pinned);
    const others = await replica({ de: { 'types.dent': 'Einbeulung' } });
    const none = await replica({});
    for (const process of [one, others, none]) {
      expect(await dentOf(process, job)).toBe('Beule');
      expect(await dentOf(process, job, 'de-AT')).toBe('Beule');
    }
    const words = await none.glossaries.wordsOf(job);
    expect(words.for('de')).toMatchObject({ version: pinned.glossaries['de'], state: 'machine' });
    expect(await rig.versionsOfJob(job)).toEqual(pinned.glossaries);
    const [kept] = await rig.db.database.query('select tag, origin, state from glossary_versions where version = $1', [
      pinned.glossaries['de'],
    ]);
    expect(kept).toEqual({ tag: 'de', origin: 'client', state: 'machine' });
    // A job that begins now has the words of now.
    const later = await rig.job(['de'], await others.glossaries.pin(aNewJob('acme', ['de'])));
    expect(await dentOf(one, later)).toBe('Einbeulung');
  });

  it('is no other key’s, and no job’s whose languages they are not of', async () => {
    const one = await replica({ de: DENT });
    const before = await (await replica({})).glossaries.pin(aNewJob('acme', ['de', 'fr']));
    expect(await one.glossaries.pin(aNewJob('beta', ['de', 'fr']))).toEqual(before);
    expect(before.clientWords).toBeNull();
    expect(await one.glossaries.pin(aNewJob('acme', ['fr']))).toMatchObject({ clientWords: null });
  });

  it('has its own English wherever English stands in', async () => {
    const one = await replica({ en: { 'types.dent': 'ding' } });
    const job = await rig.job(['de'], await one.glossaries.pin(aNewJob('acme', ['de'])));
    expect((await one.glossaries.wordsOf(job)).english.glossary.types.dent).toBe('ding');
  });

  it('gets them in a language whose glossary is made later, also by a process that knows others', async () => {
    const one = await replica({ fi: { 'types.dent': 'lommo' } });
    const job = await rig.job(['fi'], await one.glossaries.pin(aNewJob('acme', ['fi'])));
    expect(await dentOf(one, job, 'fi')).toBeUndefined();
    const next = await replica({ fi: { 'types.dent': 'kuhmu' } });
    await rig.make(next, 'fi');
    const [first, second] = await Promise.all([dentOf(next, job, 'fi'), dentOf(one, job, 'fi')]);
    expect([first, second]).toEqual(['lommo', 'lommo']);
    const { fi } = (await next.glossaries.pin(aNewJob('beta', ['fi']))).glossaries;
    expect((await rig.versionsOfJob(job))['fi']).not.toBe(fi);
  });

  it('is written without them where they do not go with a glossary that was made, and a warning says why', async () => {
    const maker = await replica({});
    await rig.make(maker, 'fi');
    const plain = await maker.glossaries.pin(aNewJob('acme', ['fi']));
    const made = (await maker.glossaries.wordsOf(await rig.job(['fi'], plain))).for('fi');
    const one = await replica({ fi: { 'types.dent': made?.glossary.types.scratch ?? '', 'types.hole': 'aukko' } });
    const warned = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const pinned = await one.glossaries.pin(aNewJob('acme', ['fi']));
    expect(pinned.glossaries).toEqual(plain.glossaries);
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('own words'), {
      tag: 'fi',
      version: plain.glossaries['fi'],
      words: pinned.clientWords,
      reason: expect.stringContaining('types.dent: is the same word as types.scratch') as string,
    });
    await one.glossaries.pin(aNewJob('acme', ['fi']));
    expect(warned).toHaveBeenCalledTimes(1);
  });

  it('keeps its words and gets the glossary of now where the one that it began with lacks a word that is needed', async () => {
    const one = await replica({ de: DENT });
    const pinned = await one.glossaries.pin(aNewJob('acme', ['de']));
    await rig.db.database.execute(
      `insert into glossary_versions select tag, 'older', origin, state, (words::jsonb #- '{types,hole}')::json, created_at
       from glossary_versions where version = $1`,
      [pinned.glossaries['de']],
    );
    const job = await rig.job(['de'], { ...pinned, glossaries: { de: 'older' } });
    expect(await dentOf(await replica({}), job)).toBe('Beule');
    expect((await rig.versionsOfJob(job))['de']).toBe(pinned.glossaries['de']);
  });

  it('is written anew with the glossaries of now and its own words', async () => {
    const one = await replica({ de: DENT });
    const { clientWords } = await one.glossaries.pin(aNewJob('acme', ['de']));
    const next = await replica({ de: { 'types.dent': 'Einbeulung' } });
    const current = next.module.get(CurrentGlossaries, { strict: false });
    const words = await current.wordsOf(['de'], clientWords);
    expect(words.for('de')?.glossary.types.dent).toBe('Beule');
    expect((await current.wordsOf(['de'], null)).for('de')?.glossary.types.dent).toBe('Delle');
  });
});

describe('the sentence of an installation on what photos never show', () => {
  it('stays that of the jobs that began with it, with its version and state', async () => {
    const setting = (sentence: string) => rig.replica({ LIMITS_TEXT: JSON.stringify({ de: sentence }) });
    const one = await setting('Fotos zeigen nicht alles');
    const job = await rig.job(['de'], await one.glossaries.pin(aNewJob('default', ['de'])));
    const before = (await one.glossaries.wordsOf(job)).for('de');
    const next = await setting('Fotos zeigen nur, was zu sehen ist');
    const after = (await next.glossaries.wordsOf(job)).for('de');
    expect(after?.glossary.sentences.limits).toBe('Fotos zeigen nicht alles');
    expect(after).toEqual(before);
  });
});
