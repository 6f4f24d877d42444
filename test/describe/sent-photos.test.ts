import { describe, expect, it } from 'vitest';
import { SentPhotos } from '../../src/describe/sent-photos.js';
import type { PhotoCarrier } from '../../src/images/photo-carrier.js';
import { OpenAiError } from '../../src/openai/errors.js';

const refusal = (upstreamMessage: string, code = 'invalid_image_url') =>
  new OpenAiError({ kind: 'image', retryable: false, code, upstreamMessage });
const UNNAMED = refusal('Error while downloading file.');

/** PHOTO_CARRY=false, and every photo is a good JPEG as far as we can see. */
const carrier = {
  allowed: false,
  shown: (_url: string, reason: string) => reason,
  look: () => Promise.resolve('jpeg'),
  kept: { give: () => undefined },
} as unknown as PhotoCarrier;

/**
 * A lot of `count` photos of which OpenAI cannot take the `bad` ones, and how many calls it came to.
 * @param slowCall - which of them times out, whatever it names
 */
function lotOf(count: number, bad: (number: number) => boolean, slowCall = 0) {
  const photos = Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    url: `https://cdn.test/${index + 1}.jpg`,
  }));
  const refused = new Set(photos.filter(({ number }) => bad(number)).map(({ url }) => url));
  let calls = 0;
  const ask = (urls: readonly string[]) => {
    if (++calls === slowCall) return Promise.resolve(refusal('Timeout while downloading file.'));
    return Promise.resolve(urls.some((url) => refused.has(url)) ? UNNAMED : null);
  };
  const sent = new SentPhotos(
    { photos, missing: [] },
    { carrier, side: 2048, maxUnreachable: 0.3, limits: { deadlineAt: 0 }, now: () => 0, probe: ask },
  );
  /** As the describer does: until a call passes. */
  const describeLot = async () => {
    for (let error = await ask(sent.urls); error !== null; error = await ask(sent.urls)) await sent.after(error);
    return sent.leftOut.map(({ url }) => url.slice('https://cdn.test/'.length));
  };
  return { describeLot, calls: () => calls };
}

describe('photos that nothing names', () => {
  it.each([
    [2, (number: number) => number === 1, 'IMAGE_UNREACHABLE'],
    [4, (number: number) => number === 4, ['4.jpg']],
    [20, (number: number) => number % 7 === 0, ['7.jpg', '14.jpg']],
    [100, (number: number) => number === 77, ['77.jpg']],
    [100, (number: number) => number > 95, ['96.jpg', '97.jpg', '98.jpg', '99.jpg', '100.jpg']],
  ])('photos that nothing names are found among %i', async (count, bad, expected) => {
    const { describeLot } = lotOf(count, bad);
    if (typeof expected === 'string') await expect(describeLot()).rejects.toMatchObject({ code: expected });
    else expect(await describeLot()).toEqual(expected);
  });

  it('photos that nothing names are not looked for without end: 64 calls, then the lot fails', async () => {
    const { describeLot, calls } = lotOf(100, (number) => number % 4 === 0);
    await expect(describeLot()).rejects.toMatchObject({ code: 'OPENAI_API_ERROR' });
    expect(calls()).toBe(65);
  });

  it('photos that nothing names are not mixed up with a good one whose probe timed out', async () => {
    // All, 1 and 2, 1 alone, then 2 alone.
    const { describeLot } = lotOf(4, (number) => number === 1, 4);
    expect(await describeLot()).toEqual(['1.jpg']);
  });
});
