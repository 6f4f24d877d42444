import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TAXONOMY } from '../../src/assessment/text/glossary-asked.js';
import { GlossaryRig, type Replica } from './rig.js';

// Real: PostgreSQL, the sandbox over HTTP, two processes' services. Time passes in the rows.

let rig: GlossaryRig;
let one: Replica;

beforeEach(async () => {
  rig = await GlossaryRig.start();
  one = await rig.replica();
});
afterEach(() => rig.close());

describe('the glossary of a language that is not shipped', () => {
  it('is asked for once, whichever of its tags are asked for, and answers under each as it was sent', async () => {
    await rig.make(one, 'no', 'nb', 'nb-NO', 'fi', 'de');
    expect(await rig.calls()).toBe(2);
    await rig.make(one, 'no-NO', 'fi-FI');
    expect(await rig.calls()).toBe(2);
    const words = await one.glossaries.wordsOf(await rig.job(['no', 'nb-NO', 'fi', 'de']));
    expect(words.for('no')?.version).toBe((await rig.making('nb')).version);
    expect(words.for('nb-NO')?.glossary.parts).toEqual(words.for('no')?.glossary.parts);
    expect(words.for('fi')?.state).toBe('machine');
    expect(words.for('de')?.glossary.parts.door.name).toBe('Tür');
    expect(words.for('sv')).toBeNull();
  });

  it('is asked for once when two processes want it at the same moment', async () => {
    const two = await rig.replica();
    const languages = ['fi', 'sv', 'el', 'ka'];
    await Promise.all([one, two, one, two].map((replica) => replica.glossaries.start(languages)));
    const limits = { deadlineAt: Date.now() + 60_000, signal: AbortSignal.timeout(60_000) };
    await Promise.all([one, two].map((replica) => replica.glossaries.wait(languages, limits)));
    expect(await rig.calls()).toBe(4);
    expect((await rig.makings()).map(({ tag, status }) => `${tag} ${status}`)).toEqual([
      'el made',
      'fi made',
      'ka made',
      'sv made',
    ]);
    const job = await rig.job(languages);
    const [first, second] = await Promise.all([one.glossaries.wordsOf(job), two.glossaries.wordsOf(job)]);
    expect(languages.map((tag) => first.for(tag)?.version)).toEqual(languages.map((tag) => second.for(tag)?.version));
  });

  it('is one object in a process, so that the reader of its texts is built once', async () => {
    await rig.make(one, 'fi');
    const [first, second] = [await rig.job(['fi', 'fi-FI', 'de-CH']), await rig.job(['fi', 'fi-FI', 'de-CH'])];
    const [a, b] = [await one.glossaries.wordsOf(first), await one.glossaries.wordsOf(second)];
    for (const tag of ['fi', 'fi-FI', 'de-CH', 'en']) expect(a.for(tag)?.glossary).toBe(b.for(tag)?.glossary);
    expect(a.for('de-CH')?.glossary.locale).toBe('de-CH');
  });

  it('costs no job anything: it is in a metric', async () => {
    const job = await rig.job(['fi']);
    await rig.make(one, 'fi');
    const [row] = await rig.db.database.query<{ cost_usd: string }>('select cost_usd from batch_jobs where id = $1', [
      job,
    ]);
    expect(Number(row?.cost_usd)).toBe(0);
  });
});

describe('a glossary that passes the checks and lets a text be read in two ways', () => {
  it('is no version: its language rests, and the reason names what can be misread', async () => {
    await rig.fault({ action: 'scene', scene: 'glossary_two_ways', count: 1 });
    await rig.make(one, 'fi');
    const { status, version, reason } = await rig.making('fi');
    expect({ status, version }).toEqual({ status: 'resting', version: null });
    expect(reason).toContain('unusable; ');
    expect(reason).toContain('severities.severe: holds the mark that stands between terms of its list');
  });
});

describe('a process that dies while it makes a glossary', () => {
  it('leaves it to another, which asks once more and no more', async () => {
    await rig.fault({ action: 'hang', path: '/v1/responses', count: 1 });
    await one.glossaries.start(['fi']);
    await expect.poll(() => rig.calls()).toBe(1);
    const two = await rig.replica();
    await two.maker.begin();
    await two.maker.idle();
    expect(await rig.calls()).toBe(1);
    // The lease of the dead one ends.
    await rig.pass(1);
    await two.maker.begin();
    await two.maker.idle();
    expect(await rig.making('fi')).toMatchObject({ status: 'made', tries: 2 });
    expect(await rig.calls()).toBe(2);
  });

  it('changes nothing any more when it wakes up late', async () => {
    await rig.fault({ action: 'latency', ms: 2_500, path: '/v1/responses', count: 1 });
    await one.glossaries.start(['fi']);
    await expect.poll(() => rig.calls()).toBe(1);
    await rig.pass(1);
    await rig.db.database.execute(
      `update glossary_makings set status = 'resting', failures = 1, lock_token = null,
         due_at = clock_timestamp() + interval '1 hour'`,
    );
    await one.maker.idle();
    expect(await rig.making('fi')).toMatchObject({ status: 'resting', version: null });
    expect(await rig.db.database.query('select 1 from glossary_versions where tag = $1', ['fi'])).toEqual([]);
  });

  it('is not asked for again for ever: a day has three tries, whatever became of them', async () => {
    await rig.fault({ action: 'hang', path: '/v1/responses' });
    for (let crash = 1; crash <= 3; crash += 1) {
      const dying = await rig.replica();
      await dying.glossaries.start(['fi']);
      await expect.poll(() => rig.calls()).toBe(crash);
      // No hour passes for the day's count, only the lease ends.
      await rig.db.database.execute(`update glossary_makings set due_at = clock_timestamp()`);
    }
    await rig.make(one, 'fi');
    expect(await rig.calls()).toBe(3);
    const { status, rest_seconds: rest } = await rig.making('fi');
    expect(status).toBe('resting');
    expect(rest).toBeGreaterThan(23 * 3600);
  });

  it('gives it back when it ends in order, and the try counts as none', async () => {
    await rig.fault({ action: 'hang', path: '/v1/responses', count: 1 });
    await one.glossaries.start(['fi']);
    await expect.poll(() => rig.calls()).toBe(1);
    await one.module.close();
    expect(await rig.making('fi')).toMatchObject({ status: 'wanted', tries: 0, lock_token: null });
    const two = await rig.replica();
    await two.maker.begin();
    await two.maker.idle();
    expect(await rig.making('fi')).toMatchObject({ status: 'made', tries: 1 });
  });
});

describe('a try that fails', () => {
  it.each([
    [
      'a glossary that fails its checks',
      { action: 'scene', scene: 'glossary_same_word' },
      /side\.right: is the same word/,
    ],
    ['one that is left in English', { action: 'scene', scene: 'glossary_left_in_english' }, /left in English/],
    ['a refusal', { action: 'refusal' }, /^refused/],
    ['an answer that is cut off', { action: 'incomplete' }, /^incomplete; max_output_tokens/],
    ['cut JSON', { action: 'broken_json' }, /^invalid/],
    ['another schema', { action: 'schema_violation' }, /^invalid/],
    ['a failed response', { action: 'failed', code: 'invalid_prompt' }, /^no answer/],
  ])('rests an hour after %s, and nobody asks meanwhile', async (_, fault, reason) => {
    await rig.fault({ ...fault, count: 1 });
    await rig.make(one, 'fi');
    const making = await rig.making('fi');
    expect(making.reason).toMatch(reason);
    expect(making).toMatchObject({ status: 'resting', failures: 1, tries: 1 });
    expect(Math.abs(making.rest_seconds - 3600)).toBeLessThan(120);
    await rig.make(one, 'fi');
    expect(await rig.calls()).toBe(1);
    expect(await one.glossaries.awaited(['fi'])).toEqual([]);
  });

  it('rests twice as long each time, and never has a fourth try within a day', async () => {
    await rig.fault({ action: 'refusal' });
    const rests: number[] = [];
    for (let day = 0; day < 2; day += 1) {
      for (const hours of [1, 2, 24]) {
        await rig.make(one, 'fi');
        rests.push(Math.round((await rig.making('fi')).rest_seconds / 3600));
        await rig.pass(Math.max(hours, rests.at(-1) ?? 0));
      }
    }
    // After the third of a day, until a day after the first; then as the failures in a row say, a day at most.
    expect(rests).toEqual([1, 2, 21, 8, 16, 24]);
    expect(await rig.calls()).toBe(6);
  });

  it('is forgotten once it succeeds', async () => {
    await rig.fault({ action: 'refusal', count: 1 });
    await rig.make(one, 'fi');
    await rig.pass(1);
    await rig.make(one, 'fi');
    expect(await rig.making('fi')).toMatchObject({ status: 'made', failures: 0, reason: null });
  });

  it('counts as none when OpenAI takes no requests: the making is put off for a minute', async () => {
    await rig.fault({ action: 'status', status: 429, code: 'rate_limit_exceeded', path: '/v1/responses', count: 1 });
    await rig.make(one, 'fi');
    const making = await rig.making('fi');
    expect(making).toMatchObject({ status: 'wanted', tries: 0, failures: 0, reason: 'rate_limited' });
    expect(await one.glossaries.awaited(['fi'])).toEqual(['fi']);
    await rig.pass(1);
    await one.maker.begin();
    await one.maker.idle();
    expect((await rig.making('fi')).status).toBe('made');
  });
});

describe('closed lists that have grown', () => {
  it('ask for what is missing only: the words that are there stay', async () => {
    await rig.make(one, 'fi');
    // As if it had been made before the radio had a code of its own.
    await rig.db.database.execute(`update glossary_makings set taxonomy = 'before', version = 'older'`);
    await rig.db.database.execute(
      `update glossary_versions set version = 'older', words = ((words::jsonb #- '{parts,radio}') #- '{places,radio|n/a|n/a}')::json`,
    );
    const two = await rig.replica();
    await rig.make(two, 'fi');
    const makings = await rig.makings();
    expect(makings.map(({ taxonomy, status }) => `${taxonomy} ${status}`)).toEqual(['before made', `${TAXONOMY} made`]);
    const asked = await rig.askedLast();
    expect(Object.keys(asked['write'] as object)).toEqual(['parts', 'places']);
    const words = await two.glossaries.wordsOf(await rig.job(['fi']));
    expect(words.for('fi')?.version).toBe(makings[1]?.version);
    expect(words.for('fi')?.glossary.parts.radio.name).not.toBe('');
  });
});
