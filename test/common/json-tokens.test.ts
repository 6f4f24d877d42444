import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endOfString, isDeeperThan, JsonTokens } from '../../src/common/json-tokens.js';

const anyJson = fc.jsonValue({ maxDepth: 6 });

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('the tokens of a JSON text', () => {
  it('JsonTokens knows how deep any value is nested, however the text is indented', () => {
    fc.assert(
      fc.property(anyJson, fc.constantFrom(0, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const depth = depthOf(value);
        expect([isDeeperThan(depth, text), isDeeperThan(depth - 1, text)]).toEqual([false, depth > 0]);
      }),
      { numRuns: 300 },
    );
  });

  it('JsonTokens gives the strings (keys too), numbers and words as they were written', () => {
    const tokens = new JsonTokens(' {"a\\"" : [1.0, -12e3, "b:"], "c":true}');
    const seen: string[] = [];
    while (tokens.next()) seen.push(`${tokens.isKey ? 'key ' : ''}${tokens.text}`);
    expect(seen).toEqual(['{', 'key "a\\""', '[', '1.0', '-12e3', '"b:"', ']', 'key "c"', 'true', '}']);
  });

  it.each([
    ['"a"', 3],
    ['"\\""', 4],
    ['"\\\\"', 4],
    ['"\\\\\\"', -1],
    ['"', -1],
  ])('endOfString finds the end of %s at %i', (text, end) => {
    expect(endOfString(text, 0)).toBe(end);
  });
});
