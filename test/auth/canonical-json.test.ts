import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canonicalValue } from '../../src/auth/canonical-json.js';
import vectors from '../vectors/lots-signature-vectors.json' with { type: 'json' };

const CASES: readonly (readonly [source: string, canonical: string])[] = [
  ['{"b":1,"a":2}', '{"a":2,"b":1}'],
  [' [ 1 , 2 ] ', '[1,2]'],
  ['-0', '0'],
  ['-0.0', '-0.0'],
  ['0e5', '0.0'],
  ['1E400', 'Infinity'],
  ['-1E400', '-Infinity'],
  ['-1e-400', '-0.0'],
  ['9999999999999998.0', '9999999999999998.0'],
  ['1e16', '1e+16'],
  ['0.0001', '0.0001'],
  ['0.00001', '1e-05'],
  ['1.5e300', '1.5e+300'],
  ['123456789012345678901234567890', '123456789012345678901234567890'],
  ['[1.0,1]', '[1.0,1]'],
  ['{"10":1,"9":2,"__proto__":3}', '{"10":1,"9":2,"__proto__":3}'],
  ['{"__proto__":{"x":1},"a":{"__proto__":[]}}', '{"__proto__":{"x":1},"a":{"__proto__":[]}}'],
  ['{"a":1,"a":{"b":2.0},"a":3}', '{"a":3}'],
  [
    '{"\\ud83d\\ude00":1,"\\ud83d":2,"\uff5e":3,"\\ude00":4}',
    '{"\\ud83d":2,"\\ude00":4,"\\uff5e":3,"\\ud83d\\ude00":1}',
  ],
  ['{"x\\ud83dz":1,"x\u{1f600}":2}', '{"x\\ud83dz":1,"x\\ud83d\\ude00":2}'],
  ['{"\u{1f601}":1,"\u{1f600}":2,"\u{1f600}a":3}', '{"\\ud83d\\ude00":2,"\\ud83d\\ude00a":3,"\\ud83d\\ude01":1}'],
  ['"\\\\"', '"\\\\"'],
  ['{"a\\\\":"\\\\\\"","n":1.0}', '{"a\\\\":"\\\\\\"","n":1.0}'],
  ['"\\u007F\\u0080\\/"', '"\\u007f\\u0080/"'],
  ['{"t":true,"f":false,"n":null,"e":[],"o":{},"d":1e0}', '{"d":1.0,"e":[],"f":false,"n":null,"o":{},"t":true}'],
];

describe('canonical form', () => {
  it.each(vectors)('the canonical form is that of the contract: $name', ({ lots_json, canonical, signature, key }) => {
    expect(canonicalValue(lots_json)).toBe(canonical);
    expect(createHmac('sha256', key).update(canonicalValue(lots_json)).digest('hex')).toBe(signature);
  });

  it.each(CASES)('the canonical form is as Python writes it: %s', (source, canonical) => {
    expect(canonicalValue(source)).toBe(canonical);
  });

  it('the canonical form takes 32 levels', () => {
    const deep = `${'[{"a":'.repeat(16)}1.0${'}]'.repeat(16)}`;
    expect(canonicalValue(deep)).toBe(deep);
  });

  it('the canonical form refuses what is not JSON instead of guessing', () => {
    expect(() => canonicalValue('{"a":NaN}')).toThrow(SyntaxError);
    expect(() => canonicalValue('"never ends')).toThrow(SyntaxError);
    expect(() => canonicalValue('?')).toThrow(SyntaxError);
  });
});
