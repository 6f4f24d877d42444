import { describe, expect, it } from 'vitest';
import { statedWait } from '../../src/openai/stated-wait.js';
import { failureOf, startRig } from './client-rig.js';
import { apiError, completed, json } from './openai-stub.js';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const waitOf = (headers: Record<string, string>, message?: string) =>
  statedWait(new Headers(headers), NOW, { status: 429, message });

describe('statedWait', () => {
  it.each([
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after-ms': '250', 'retry-after': '7' }, 250],
    [{ 'retry-after-ms': '0', 'retry-after': '7' }, 0],
    [{ 'retry-after-ms': 'x', 'retry-after': '7' }, 7000],
    [{ 'retry-after': '20s' }, 20_000],
    [{ 'retry-after': 'Mon, 23 Nov 2026 12:00:30 GMT' }, 30_000],
    [{ 'retry-after': 'Mon, 23 Nov 2026 11:00:00 GMT' }, 0],
    [{ 'retry-after': '7', 'x-ratelimit-reset-tokens': '40s' }, 7000],
  ])('a wait that OpenAI states is firm: %j → %s', (headers, ms) => {
    expect(waitOf(headers)).toEqual({ ms, soft: false });
  });

  it.each([
    ['40s', 40_000],
    ['6m0s', 360_000],
    ['120ms', 120],
    ['1h2m', 3_720_000],
    ['1.5s', 1500],
    ['1h2m3.5s', 3_723_500],
    ['1d', 86_400_000],
    ['7m12.34s', 432_340],
    ['500us', 1],
    ['0s', 0],
    ['30', 30_000],
    ['0.25', 250],
    [' 59s ', 59_000],
    ['2026-11-23T12:00:20Z', 20_000],
    [String(NOW / 1000 + 9), 9000],
    [String(NOW + 1500), 1500],
  ])('a wait that OpenAI states is found in a reset alone: %s → %s', (text, ms) => {
    expect(waitOf({ 'x-ratelimit-reset-tokens': text })).toEqual({ ms, soft: true });
    expect(waitOf({ 'x-ratelimit-reset-requests': text })).toEqual({ ms, soft: true });
  });

  it.each([
    [{}, 360_000],
    [{ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-remaining-tokens': '9000' }, 20_000],
    [{ 'x-ratelimit-remaining-requests': '12', 'x-ratelimit-remaining-tokens': '0' }, 360_000],
    [{ 'x-ratelimit-remaining-requests': '12', 'x-ratelimit-remaining-tokens': '40' }, 360_000],
    [{ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-remaining-tokens': '0' }, 360_000],
  ])('the wait is that of the limit that was reached: %j → %s', (left, ms) => {
    const resets = { 'x-ratelimit-reset-requests': '20s', 'x-ratelimit-reset-tokens': '6m0s' };
    expect(waitOf({ ...resets, ...left })?.ms).toBe(ms);
  });

  it.each([
    ['Rate limit reached for gpt-5.6-terra on tokens per min. Please try again in 6m0s. Visit https://x', 360_000],
    ['Please try again in 1.2s.', 1200],
    ['Please try again in 120ms.', 120],
  ])('a wait that OpenAI states is last looked for in the text: %s', (message, ms) => {
    expect(waitOf({}, message)).toEqual({ ms, soft: true });
  });

  it.each(['soon', '', 'in 5 minutes', 's', '5x', '-', '1h 2x', `${'9'.repeat(400)}s`])(
    'a wait that OpenAI states is not made up: %j',
    (text) => {
      const wait = waitOf({ 'retry-after': text, 'x-ratelimit-reset-tokens': text });
      expect(wait === undefined || wait.ms > 1e15).toBe(true);
    },
  );

  it('a wait that OpenAI states is that of a 429 alone where only a reset names it', () => {
    const headers = new Headers({ 'x-ratelimit-reset-tokens': '40s' });
    expect(statedWait(headers, NOW, { status: 503 })).toBeUndefined();
    expect(statedWait(new Headers({ 'retry-after': '40' }), NOW, { status: 503 })?.ms).toBe(40_000);
    expect(statedWait(undefined, NOW, { status: 429 })).toBeUndefined();
  });
});

describe('a call that is told to wait', () => {
  it.each([
    [{ 'x-ratelimit-reset-tokens': '40s' }, 40_000],
    [{ 'x-ratelimit-reset-requests': '1m30s' }, 90_000],
    [{ 'retry-after': '40' }, 40_000],
  ])('a call that is told to wait waits as long and gets its answer: %j', async (headers, ms) => {
    const rig = await startRig({ skipUpToMs: 120_000 });
    rig.stub.next(apiError(429, { code: 'rate_limit_exceeded' }, headers));
    rig.stub.always(json(200, completed()));
    await rig.client.createResponse({ model: 'm' }, rig.within(295));
    expect(rig.clock.skipped).toContain(ms);
    await rig.stop();
  });

  it('a call that is told to wait goes on trying where only a limit’s whole reset lies behind its deadline', async () => {
    const rig = await startRig({ skipUpToMs: 60_000, baseDelaySeconds: 2 });
    rig.stub.next(apiError(429, {}, { 'x-ratelimit-reset-requests': '23h59m' }));
    rig.stub.always(json(200, completed()));
    await rig.client.createResponse({ model: 'm' }, rig.within(295));
    expect(rig.stub.requests).toHaveLength(2);
    await rig.stop();
  });

  it('a call that is told to wait gives up at once where it is told to wait beyond its deadline', async () => {
    const rig = await startRig({ skipUpToMs: 60_000 });
    rig.stub.always(apiError(429, {}, { 'retry-after': '600' }));
    expect(await failureOf(rig.client.createResponse({ model: 'm' }, rig.within(295)))).toMatchObject({ attempts: 1 });
    await rig.stop();
  });
});
