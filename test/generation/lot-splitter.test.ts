import { describe, expect, it } from 'vitest';
import { LotSplitter } from '../../src/generation/intake/lot-splitter.js';
import { MAX_HEAD_BYTES, MAX_LOT_BYTES } from '../../src/generation/intake/request-sink.js';
import { JsonGenerator } from '../auth/json-generator.js';
import { refusal, split } from './splitter-support.js';

const AWKWARD = [
  '{"version":"1.0.0","lots":[{"lot_id":"a","images":[{"url":"https://e.test/1.jpg"}]},{"lot_id":"b"}],"languages":["en"]}',
  ' {\n"lots" : [ {"a":"\\"]}" } , [1,[2]] ,3, "x,\\\\" ,null ] , "x":"lots" } \n',
  '{"lots":[],"a":{"lots":[1,2]},"b":[{"lots":3}]}',
  '\ufeff{"\\u006cot\\u0073":[{"лот":"🚗, ]"}],"x":"[{"}',
  '{"a":"\\\\","lots":["\\\\\\"","\\u005d"],"z":1.50}',
  '{"lots":{"a":[1,{"b":"}"}]} ,"c":1}',
  '{"x":{},"lots":null}',
  '{"a":1}',
  '{}',
  `{"lots":[${'['.repeat(30)}${']'.repeat(30)}]}`,
];

const MALFORMED: readonly (readonly [name: string, body: Buffer | string])[] = [
  ['empty', ''],
  ['white space only', ' \n'],
  ['a byte order mark only', '\ufeff'],
  ['half a byte order mark', Buffer.from([0xef, 0xbb, 0x7b, 0x7d])],
  ['no object', '[1]'],
  ['a string', '"lots"'],
  ['a number', '12'],
  ['unfinished', '{"lots":[{"a":1}]'],
  ['unfinished lot', '{"lots":[{"a":1'],
  ['unfinished string', '{"lots":["a'],
  ['unfinished key', '{"lot'],
  ['trailing garbage', '{"lots":[]} x'],
  ['a second document', '{"lots":[]}{"lots":[]}'],
  ['comma at the start of lots', '{"lots":[,1]}'],
  ['comma at the end of lots', '{"lots":[1,]}'],
  ['only a comma', '{"lots":[,]}'],
  ['two commas', '{"lots":[1,,2]}'],
  ['two values without a comma', '{"lots":[1 2]}'],
  ['something behind lots', '{"lots":[1]2}'],
  ['lots closed by a brace', '{"lots":[1}'],
  ['brackets crossed in a lot', '{"lots":[{"a":[}],1]}'],
  ['a lot closed twice', '{"lots":[{"a":1}}]}'],
  ['comma before the end', '{"lots":[],}'],
  ['unquoted key', '{lots:[]}'],
  ['single quotes', "{'lots':[]}"],
  ['no colon', '{"a" "lots":[]}'],
  ['no value', '{"lots":}'],
  ['closed by the wrong bracket', '{"a":1]'],
  ['NaN in a lot', '{"lots":[{"a":NaN}]}'],
  ['-Infinity in a lot', '{"lots":[-Infinity]}'],
  ['Infinity in the head', '{"a":Infinity,"lots":[]}'],
  ['NUL in a string of a lot', '{"lots":["a\u0000b"]}'],
  ['NUL between lots', '{"lots":[1,\u00002]}'],
  ['line feed in a string of the head', '{"a":"x\ny"}'],
  ['NUL behind the body', '{"lots":[]}\u0000'],
  ['leading zero', '{"lots":[01]}'],
  ['invalid UTF-8 in a lot', Buffer.concat([Buffer.from('{"lots":["'), Buffer.from([0xc3, 0x28]), Buffer.from('"]}')])],
  [
    'a cut character in a lot',
    Buffer.concat([Buffer.from('{"lots":["'), Buffer.from([0xe2, 0x82]), Buffer.from('"]}')]),
  ],
  [
    'a lone surrogate as UTF-8',
    Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
  ],
  ['invalid UTF-8 in a key of the head', Buffer.concat([Buffer.from('{"'), Buffer.from([0xff]), Buffer.from('":1}')])],
  ['invalid UTF-8 between lots', Buffer.concat([Buffer.from('{"lots":[1,'), Buffer.from([0xff]), Buffer.from(']}')])],
  ['a second lots', '{"lots":[1],"a":2,"lots":[3]}'],
  ['a second lots, escaped', '{"lots":[1],"\\u006cots":[3]}'],
  ['a second lots after one that is no array', '{"lots":1,"lots":[3]}'],
  ['a second lots that is no array', '{"lots":[1],"lots":2}'],
  ['a repeated key', '{"a":1,"lots":[],"a":2}'],
  ['a repeated key, escaped', '{"a":1,"\\u0061":2}'],
  ['a repeated key deep in the head', '{"lots":[],"x":[{"y":{"k":1,"k":2}}]}'],
  ['a repeated __proto__', '{"__proto__":1,"__proto__":2}'],
  ['33 levels in a lot', `{"lots":[${'['.repeat(31)}${']'.repeat(31)}]}`],
  ['33 levels in the head', `{"a":${'['.repeat(32)}${']'.repeat(32)}}`],
  ['endless brackets', `{"lots":[${'['.repeat(5000)}`],
  ['an integer of 4,301 digits in a lot', `{"lots":[{"a":[-${'7'.repeat(4301)}]}]}`],
  ['an integer of 4,301 digits as a lot', `{"lots":[${'7'.repeat(4301)}]}`],
  ['an integer of 4,301 digits in the head', `{"a":${'7'.repeat(4301)}}`],
];

/** Every size for short bodies; for long ones those where something may go wrong. */
function chunkSizes(body: Buffer | string): number[] {
  const length = Buffer.byteLength(body);
  return length < 300
    ? Array.from({ length: Math.max(length, 1) }, (_, index) => index + 1)
    : [1, 2, 7, 61, 4096, length];
}

function expectLikeJsonParse(body: string, size: number): void {
  const whole = JSON.parse(body.replace(/^\ufeff/, '')) as Record<string, unknown>;
  const { head, lots, texts } = split(body, size);
  if (Array.isArray(whole.lots)) {
    expect(lots).toEqual(whole.lots);
    expect(texts.map((text) => text.trim())).toEqual(texts);
    expect(texts.map((text) => JSON.parse(text) as unknown)).toEqual(whole.lots);
    const { lots: _streamed, ...members } = whole;
    expect(head).toMatchObject({ members, lots: 'streamed', lotsText: undefined });
    expect(head?.members).not.toHaveProperty('lots');
    expect(JSON.parse(head?.text ?? '')).toEqual({ ...members, lots: [] });
  } else if ('lots' in whole) {
    expect(lots).toEqual([]);
    expect(head).toMatchObject({ members: whole, lots: 'other' });
    expect(JSON.parse(head?.lotsText ?? '')).toEqual(whole.lots);
  } else expect(head).toMatchObject({ members: whole, lots: 'missing', lotsText: undefined });
}

describe('splitting a JSON body', () => {
  it.each(AWKWARD)('splitting a JSON body gives what JSON.parse gives, at every chunk size: %s', (body) => {
    for (const size of chunkSizes(body)) expectLikeJsonParse(body, size);
  });

  it('splitting a JSON body gives what JSON.parse gives for 3,000 generated bodies, cut anywhere', () => {
    const seed = Date.now() % 1_000_000_000;
    const generator = new JsonGenerator(seed);
    for (let count = 0; count < 3000; count++) {
      const lots = `${generator.space()}"lots"${generator.space()}:${generator.space()}${
        generator.chance(85) ? generator.array(1) : generator.value(2)
      }${generator.space()}`;
      const others = Array.from({ length: generator.below(4) }, (_, index) => `"k${index}":${generator.value(4)}`);
      others.splice(generator.below(others.length + 1), 0, lots);
      const body = `${generator.space()}{${others.join(',')}}${generator.space()}`;
      const size = 1 + generator.below(generator.pick([8, 100, 1000]));
      if (repeatsKeyInHead(body, lots)) expect(refusal(body, size).code, `seed ${seed}: ${body}`).toBe('INVALID_JSON');
      else expectLikeJsonParse(body, size);
    }
  });

  it.each(MALFORMED)('splitting a JSON body refuses at every chunk size: %s', (_name, body) => {
    for (const size of chunkSizes(body)) {
      const error = refusal(body, size);
      expect(error.code).toBe('INVALID_JSON');
      expect(error.status).toBe(400);
    }
  });

  it('splitting a JSON body refuses every body that is cut short', () => {
    const bytes = Buffer.from(AWKWARD[1] as string).subarray(0, -3);
    for (let length = 0; length < bytes.length; length++) {
      expect(refusal(bytes.subarray(0, length), 5).code).toBe('INVALID_JSON');
    }
  });

  it('splitting a JSON body keeps floats and strings of many digits, as Python does', () => {
    const digits = '7'.repeat(5000);
    const body = `{"lots":[{"a":${digits}.0,"b":"${digits}","c":${digits}e1,"d":0.${digits},"e":${'7'.repeat(4300)}}]}`;
    expect(split(body, 1000).texts[0]).toBe(body.slice(9, -2));
  });

  it('splitting a JSON body lets a repeated key inside of lots pass: the signature counts the last', () => {
    expect(split('{"lots":[{"a":1,"a":2}]}').lots).toEqual([{ a: 2 }]);
  });

  it('splitting a JSON body says where an error is: the lot and its first byte', () => {
    expect(refusal('{"lots":[1,\n {"a":tru}]}').message).toMatch(/lots\[1\].*byte 13/);
    expect(refusal('{"lots":[]}x').message).toContain('byte 11');
  });

  it('splitting a JSON body refuses a lot and a head beyond their limits before they are whole', () => {
    const long = 'x'.repeat(MAX_LOT_BYTES);
    expect(refusal(`{"lots":["${long}`).code).toBe('BODY_TOO_LARGE');
    expect(refusal(`{"lots":["${long}"]}`, MAX_LOT_BYTES * 2).code).toBe('BODY_TOO_LARGE');
    expect(split(`{"lots":["${long.slice(2)}"]}`).lots).toHaveLength(1);
    expect(refusal(`{"a":"${'x'.repeat(MAX_HEAD_BYTES)}`).code).toBe('BODY_TOO_LARGE');
    expect(split(`{"a":"${'x'.repeat(MAX_HEAD_BYTES - 8)}"}`).head?.lots).toBe('missing');
  });

  it('splitting a JSON body passes on what the sink throws', () => {
    const splitter = new LotSplitter({
      onHead: () => undefined,
      onLot: ({ index }) => {
        if (index === 1) throw new Error('no more room');
      },
    });
    splitter.write(Buffer.from('{"lots":[1,'));
    expect(() => splitter.write(Buffer.from('2,3]}'))).toThrow('no more room');
  });
});

/** An own, slower judge: the reviver sees no repeats, so the head is printed again and its size compared. */
function repeatsKeyInHead(body: string, lotsMember: string): boolean {
  const { lots, ...head } = JSON.parse(body) as Record<string, unknown>;
  const counted = countKeys(Array.isArray(lots) ? head : { ...head, lots });
  return counted < keysInSource(body) - (Array.isArray(lots) ? keysInSource(lotsMember) : 0);
}

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce<number>((sum, item) => sum + countKeys(item), own);
}

function keysInSource(source: string): number {
  return [...source.matchAll(/"(?:[^"\\]|\\.)*"[ \n\r\t]*(:?)/g)].filter(([, colon]) => colon === ':').length;
}
