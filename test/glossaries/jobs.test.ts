import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { JobGlossaryStore } from '../../src/jobs/job-glossary-store.js';
import { aJob } from '../support/a-job.mjs';
import { GlossaryVersionStore } from '../../src/glossaries/glossary-version-store.js';
import { aNewJob, GlossaryRig, type Replica } from './rig.js';

// Real: PostgreSQL, the sandbox over HTTP.

const GERMAN = readFileSync(new URL('../../glossaries/de.json', import.meta.url), 'utf8');
/** The next version of the service, whose German says another word for a dent. */
const NEXT_GERMAN = GERMAN.replace('"Delle"', '"Beule"');

let rig: GlossaryRig;
let one: Replica;

beforeEach(async () => {
  rig = await GlossaryRig.start();
  one = await rig.replica();
});
afterEach(() => rig.close());

describe('the glossary versions of a job', () => {
  it('are written down when it is made, by language as sent and English always, and are found as they were after an upgrade', async () => {
    const pinned = await one.glossaries.pin(aNewJob('acme', ['de', 'de-AT', 'fi']));
    const versions = pinned.glossaries;
    expect(Object.keys(versions).toSorted()).toEqual(['de', 'de-AT', 'en']);
    const job = await rig.job(['de', 'de-AT', 'fi'], pinned);
    const next = await rig.replica({}, { de: NEXT_GERMAN });
    const words = await next.glossaries.wordsOf(job);
    expect(words.for('de')).toMatchObject({ version: versions['de'] });
    expect(words.for('de')?.glossary.types.dent).toBe('Delle');
    expect(words.for('de-AT')?.glossary.types.dent).toBe('Delle');
    expect(await rig.versionsOfJob(job)).toEqual(versions);
    const later = await next.glossaries.pin(aNewJob('acme', ['de']));
    expect(later.glossaries['de']).not.toBe(versions['de']);
  });

  it('get those of languages whose glossary comes later, for good', async () => {
    const job = await rig.job(['fi', 'el'], await one.glossaries.pin(aNewJob('acme', ['fi', 'el'])));
    expect((await one.glossaries.wordsOf(job)).for('fi')).toBeNull();
    await rig.make(one, 'fi');
    const { version } = (await one.glossaries.wordsOf(job)).for('fi') ?? {};
    expect(await rig.versionsOfJob(job)).toMatchObject({ fi: version });
    // Another model makes another glossary; jobs that began with the first one keep it.
    const next = await rig.replica({ OPENAI_TRANSLATION_MODEL: 'gpt-6-luna' });
    expect((await next.glossaries.pin(aNewJob('acme', ['fi']))).glossaries).not.toHaveProperty('fi');
    expect((await next.glossaries.wordsOf(job)).for('fi')?.version).toBe(version);
  });

  it('are not read again by the process that wrote them down, and by another one they are', async () => {
    const next = await rig.replica();
    const pinning = aNewJob('acme', ['de', 'fi']);
    const pinned = await one.glossaries.pin(pinning);
    await aJob(rig.db.database, { id: pinning.id, languages: pinning.languages, ...pinned });
    const [mine, other] = [one, next].map(({ module }) =>
      vi.spyOn(module.get(JobGlossaryStore, { strict: false }), 'read'),
    );
    for (let round = 0; round < 3; round++) await one.glossaries.wordsOf(pinning.id);
    expect(mine).not.toHaveBeenCalled();
    await next.glossaries.wordsOf(pinning.id);
    expect(other).toHaveBeenCalledTimes(1);
    // The other process adds a language: what this one remembers is behind, and it writes with what the other wrote.
    await rig.make(next, 'fi');
    const theirs = (await next.glossaries.wordsOf(pinning.id)).for('fi')?.version;
    expect(theirs).toBeDefined();
    const write = vi.spyOn(one.module.get(JobGlossaryStore, { strict: false }), 'write');
    for (let round = 0; round < 3; round++) {
      expect((await one.glossaries.wordsOf(pinning.id)).for('fi')?.version).toBe(theirs);
    }
    expect(write).toHaveBeenCalledTimes(1);
    expect(mine).not.toHaveBeenCalled();
  });

  it('are the same for two processes that write them at once', async () => {
    const next = await rig.replica({}, { de: NEXT_GERMAN });
    const job = await rig.job(['de']);
    const [first, second] = await Promise.all([one.glossaries.wordsOf(job), next.glossaries.wordsOf(job)]);
    expect(first.for('de')?.version).toBe(second.for('de')?.version);
    expect((await rig.versionsOfJob(job))['de']).toBe(first.for('de')?.version);
  });

  it('move on where the words that were written down lack one that is needed now', async () => {
    await one.glossaries.pin(aNewJob('acme', ['de']));
    await rig.db.database.execute(
      `insert into glossary_versions select tag, 'older', origin, state, (words::jsonb #- '{types,dent}')::json, created_at
       from glossary_versions where tag = 'de'`,
    );
    const job = await rig.job(['de'], { glossaries: { de: 'older' } });
    const words = await one.glossaries.wordsOf(job);
    expect(words.for('de')?.glossary.types.dent).toBe('Delle');
    expect((await rig.versionsOfJob(job))['de']).toBe(words.for('de')?.version);
  });

  it('never change once they are kept', async () => {
    const versions = one.module.get(GlossaryVersionStore);
    const kept = { tag: 'fi', version: 'a', origin: 'made', state: 'machine', words: '{"first":true}' } as const;
    await versions.keep(rig.db.database, kept);
    await versions.keep(rig.db.database, { ...kept, words: '{"first":false}' });
    expect(await versions.read('fi', 'a')).toEqual({ state: 'machine', words: '{"first":true}' });
  });
});

describe('waiting for a glossary', () => {
  it('ends when the time is over, and the making goes on', async () => {
    await rig.fault({ action: 'latency', ms: 1_000, path: '/v1/responses', count: 1 });
    await one.glossaries.start(['fi']);
    await one.glossaries.wait(['fi'], { deadlineAt: Date.now() + 50, signal: new AbortController().signal });
    expect((await rig.making('fi')).status).toBe('wanted');
    await one.maker.idle();
    expect((await rig.making('fi')).status).toBe('made');
  });

  it('begins what nobody has begun, and ends as soon as it failed', async () => {
    await rig.fault({ action: 'refusal', count: 1 });
    const limits = { deadlineAt: Date.now() + 60_000, signal: AbortSignal.timeout(60_000) };
    await one.glossaries.wait(['de', 'fi'], limits);
    expect((await rig.making('fi')).status).toBe('resting');
    await one.glossaries.wait(['fi'], limits);
    expect(await rig.calls()).toBe(1);
  });

  it('ends when its caller leaves', async () => {
    await rig.fault({ action: 'hang', path: '/v1/responses', count: 1 });
    await one.glossaries.start(['fi']);
    const leaving = new AbortController();
    const waiting = one.glossaries.wait(['fi'], { deadlineAt: Date.now() + 60_000, signal: leaving.signal });
    leaving.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
  });
});
