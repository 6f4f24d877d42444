import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LotsHmac, signLots } from '../../src/auth/signatures.js';
import { createSplitter } from '../../src/generation/intake/body-stream.js';
import { IntakeSink } from '../../src/generation/intake/intake-sink.js';
import { LotSpool } from '../../src/generation/intake/lot-spool.js';
import { PlainLotReader } from '../../src/generation/intake/fast-path/plain-lot-reader.js';
import type { RequestSink } from '../../src/generation/intake/request-sink.js';
import { PlainUrls } from '../../src/generation/intake/fast-path/plain-urls.js';
import { AddressVerdicts } from '../../src/generation/request/address-verdicts.js';
import { RequestContent } from '../../src/generation/request/request-content.js';
import { topLevelToken } from '../../src/common/json-tokens.js';
import { AllowList, checkUrl } from '../../src/outbound/address-rules.js';
import { REFUSED_URLS } from '../outbound/ssrf-strings.js';
import { propertyRuns } from '../support/property-runs.js';

const LIMITS = {
  maxLots: 50,
  maxSyncImages: 3,
  maxLotImages: 5,
  maxLanguages: 10,
  maxBodyBytes: 1e6,
  maxUploads: 1,
  spoolMaxBytes: 1e6,
  maxActiveJobs: 1,
  rateLimitStore: 'memory',
  ratePerMinute: { sync: 1, batch: 1, polling: 1 },
} as const;
const HEAD = { version: '1.0.0', languages: ['en'] };
const NO_BUDGET = { take: () => undefined, give: () => undefined };
const PLAIN = '{"lot_id": "b-1", "additional_info": "x", "images": [{"url": "https://cdn.test-host.com/1.jpg"}]}';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plain-lots-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Everything that an intake makes of these lots: rows, digest, and verdict. */
async function takeIn(texts: readonly string[], how: { general: boolean; format?: 'json' | 'ndjson'; chunk?: number }) {
  const content = new RequestContent(LIMITS, AllowList.parse([]));
  const spool = new LotSpool(folder, 'job', NO_BUDGET);
  const signer = new LotsHmac(['secret']);
  const sink = new IntakeSink(content, spool, signer);
  const general: RequestSink = { onHead: (head) => sink.onHead(head), onLot: (lot) => sink.onLot(lot) };
  const format = how.format ?? 'json';
  const splitter = createSplitter(format, how.general ? general : sink);
  const head = JSON.stringify(HEAD);
  const body = Buffer.from(
    format === 'json' ? `${head.slice(0, -1)},"lots":[${texts.join(' ,')}]}` : [head, ...texts].join('\n'),
  );
  const outcome: { refused?: unknown; accepted?: unknown } = {};
  try {
    for (let at = 0; at < body.length; at += how.chunk ?? body.length) {
      splitter.write(Buffer.from(body.subarray(at, at + (how.chunk ?? body.length))));
    }
    splitter.end();
    outcome.accepted = content.judge(HEAD, true, true);
  } catch (error) {
    const { code, details } = error as { code: string; details: unknown };
    outcome.refused = { code, details };
  }
  const rows: string[] = [];
  for (const file of spool.files) for await (const piece of file.rows()) rows.push(piece.toString('utf8'));
  await spool.discard();
  return { ...outcome, rows, digests: signer.digests().map((digest) => digest.toString('hex')) };
}

/** What clients send in a lot: usual values, and such as the reader for usual lots must leave alone or refuse. */
const spaced = (text: string) => fc.constantFrom(text, ` ${text}`, `${text}\n`, `\t${text} `);
const json = (value: unknown) => JSON.stringify(value);
const url = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .constantFrom('a.jpg', 'b.jpg?x=1&y=%20', 'c/d#e')
      .map((path) => json(`https://cdn.test-host.com/${path}`)),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(
        'http://other.test-host.com:80/1',
        'https://x.test-host.com',
        'https://cdn.test-host.com.evil.com/1',
        'https://cdn.test-host.com/ü',
      )
      .map(json),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...REFUSED_URLS.map(([refused]) => json(refused)),
      '"https://cdn.test-host.com/\\u0041"',
      '7',
      'null',
      '{}',
    ),
  },
);
const image = fc.oneof(
  {
    weight: 8,
    arbitrary: url.chain((text) => fc.tuple(spaced('"url"'), spaced(text))).map(([key, text]) => `{${key}:${text}}`),
  },
  { weight: 2, arbitrary: url },
  { weight: 1, arbitrary: url.map((text) => `{"url":${text},"alt":1.0}`) },
);
const members = {
  lot_id: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 1, max: 40 }).map((n) => `"id-${n}"`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('12', '1.0', '""', '"ü"', '"\\u0031"', '"\\\\"', json('x'.repeat(101)), 'null'),
    },
  ),
  images: fc.array(image, { maxLength: 6 }).map((images) => `[${images.join(', ')}]`),
  additional_info: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom('"2021 BMW X5"', 'null', '""', '"ü 字 😀"', '"\\u0416 \\n tab\\t \\\\ \\" "'),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }).map(json) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '"\\u0000"',
        '"\\ud800"',
        '3',
        json('y'.repeat(4001)),
        json('😀'.repeat(4000)),
        '"\u007f"',
      ),
    },
  ),
  webhook: fc.constantFrom(
    'null',
    '""',
    '"https://hook.test-host.com/1"',
    '"https://hook.test-host.com/2"',
    '"http://localhost/"',
  ),
};
const lot = fc
  .tuple(
    fc.shuffledSubarray(['lot_id', 'images', 'additional_info', 'webhook'] as const, { minLength: 2 }),
    fc.record(members),
    fc.constantFrom('', '', '', '', '"lot_id":"again"', '"extra": {"a": [1e2]}', '"additional_info":null'),
    fc.constantFrom(', ', ','),
  )
  .map(([names, values, extra, comma]) => {
    const written = names.map((name) => `"${name}"${comma === ',' ? ':' : ': '}${values[name]}`);
    return `{${[...written, ...(extra === '' ? [] : [extra])].join(comma)}}`;
  });

describe('lots read straight from their bytes', () => {
  it('lots read straight from their bytes become the same rows, digest and verdict as lots that were parsed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(lot, { minLength: 1, maxLength: 12 }),
        fc.constantFrom('json' as const, 'ndjson' as const),
        fc.constantFrom(undefined, 61, 1),
        async (lots, format, chunk) => {
          const texts = format === 'json' ? lots : lots.map((text) => text.replaceAll('\n', ' '));
          const parsed = await takeIn(texts, { general: true, format });
          expect(await takeIn(texts, { general: false, format, chunk })).toEqual(parsed);
          expect(parsed.digests).toEqual([signLots('secret', `[${texts.join(',')}]`)]);
        },
      ),
      {
        ...propertyRuns(1500),
        examples: [[['{"lot_id": "id-1", "images": [], "additional_info": "\u{10000}"}'], 'json', undefined]],
      },
    );
  });

  it.each([
    ['as it is', PLAIN],
    ['with photos as strings', '{"images":["https://a.test-host.com/1"],"lot_id":"1"}'],
    ['with null and empty members', '{"lot_id":"1","additional_info":null,"webhook":"","images":[]}'],
    ['with escapes in its text', '{"lot_id":"1","additional_info":"\\u0416\\n","images":[]}'],
    ['with a webhook', '{"lot_id":"1","webhook":"https://a.test-host.com/x","images":[]}'],
  ])('a lot is read straight from its bytes %s', (_, text) => {
    const reader = new PlainLotReader(new PlainUrls(new AddressVerdicts(AllowList.parse([]))), false);
    expect(reader.read(Buffer.from(`${text},`), 0)).toBe(Buffer.byteLength(text));
  });

  it('a lot that ends outside of the bytes is left to the parser, wherever they are cut', () => {
    const reader = new PlainLotReader(new PlainUrls(new AddressVerdicts(AllowList.parse([]))), false);
    for (let cut = 1; cut < PLAIN.length; cut++) expect(reader.read(Buffer.from(PLAIN.slice(0, cut)), 0)).toBe(-1);
  });

  it.each([
    ['}', 'INVALID_JSON'],
    [' 7', 'INVALID_JSON'],
    [',', 'INVALID_JSON'],
  ])('%s behind a lot is refused like the parser does', async (behind, code) => {
    const texts = [PLAIN, PLAIN.replace('b-1', 'b-2') + behind];
    expect(await takeIn(texts, { general: false })).toMatchObject({ refused: { code } });
  });
});

describe('addresses judged by their origin', () => {
  const list = AllowList.parse(['allowed.internal', '10.0.0.0/8']);

  it.each([
    ...REFUSED_URLS.map(([refused]) => refused),
    'https://cdn.test-host.com/1.jpg',
    'https://cdn.test-host.com',
    'https://cdn.test-host.com?x',
    'https://cdn.test-host.com:8080/x',
    'http://allowed.internal:9999/x',
    'http://10.1.2.3:81/x',
    'http://1.2.3.4/',
    'HTTPS://CDN.test-host.com/1',
    `https://cdn.test-host.com/${'%'.repeat(1365)}`,
    `https://cdn.test-host.com/${'"'.repeat(1400)}`,
    `https://cdn.test-host.com/${'x'.repeat(4096)}`,
  ])('addresses judged by their origin are let through as checkUrl lets them: %.60s', (address) => {
    const verdicts = new AddressVerdicts(list);
    const urls = new PlainUrls(verdicts);
    const allowed = checkUrl(address, list).ok;
    // Each twice, because the second is answered from what the first left behind.
    for (const first of ['https://cdn.test-host.com/seen', address, address]) verdicts.isAllowed(first);
    expect(verdicts.isAllowed(address)).toBe(allowed);
    const bytes = Buffer.from(JSON.stringify(address).slice(1));
    for (const seen of ['https://cdn.test-host.com/seen"', 'http://127.0.0.1/"'])
      urls.endOfAllowed(Buffer.from(seen), 0);
    expect([-1, ...(allowed ? [bytes.length - 1] : [])]).toContain(urls.endOfAllowed(bytes, 0));
  });
});

describe('the token of a member as it was sent', () => {
  it.each([
    ['{"lot_id": 12345678901234567890}', '12345678901234567890'],
    ['{"a": {"lot_id": 1}, "lot_id":1.0}', '1.0'],
    ['{"lot_id": 1, "x": [2, {"lot_id": 3}], "lot_id": 4 }', '4'],
    ['{"x": "\\"lot_id\\": 5", "lot\\u005fid": 6}', '6'],
    ['{"lot_id": [7]}', null],
    [`{"x": "${'\\\\y'.repeat(120_000)}", "lot_id": 8}`, '8'],
  ])('the token of a member as it was sent is found in %.60s', (source, token) => {
    expect(topLevelToken(source, 'lot_id')).toBe(token);
  });
});
