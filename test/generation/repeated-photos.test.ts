import { expect, it } from 'vitest';
import { PlainLotReader } from '../../src/generation/intake/fast-path/plain-lot-reader.js';
import { PlainUrls } from '../../src/generation/intake/fast-path/plain-urls.js';
import { AddressVerdicts } from '../../src/generation/request/address-verdicts.js';
import { AllowList } from '../../src/outbound/address-rules.js';

const read = (names: readonly string[]): { end: number; length: number; count: number } => {
  const reader = new PlainLotReader(new PlainUrls(new AddressVerdicts(AllowList.parse([]))), false);
  const images = names.map((name) => ({ url: `https://cdn.test-host.com/${name}.jpg` }));
  const bytes = Buffer.from(JSON.stringify({ lot_id: 'a', images }));
  return { end: reader.read(bytes, 0), length: bytes.length, count: reader.imageCount };
};

it('a lot that names a photo twice is left to the general way, which counts it once', () => {
  const usual = read(['1', '2', '3']);
  expect([usual.end, usual.count]).toEqual([usual.length, 3]);
  expect(read(['1', '2', '1']).end).toBe(-1);
  // The next lot may name the same photo again.
  expect(read(['1']).count).toBe(1);
});
