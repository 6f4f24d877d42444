import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrictJson } from '../../src/common/strict-json.js';

function refusal(text: string): string {
  try {
    parseStrictJson(Buffer.from(text), 'The body');
  } catch (error) {
    return (error as Error).message;
  }
  return 'taken';
}

describe('a document that is no JSON', () => {
  it.each([
    ['{"a": [1,]}', 1, 10],
    ['{"a": 1,}', 1, 9],
    ['{"a": 1,\n\n  "b": TRUE}', 3, 8],
    ["{'a': 1}", 1, 2],
    ['{"a": NaN}', 1, 7],
    ['{"a" 1}', 1, 6],
    ['{"лот": "🚗", "b": .5}', 1, 20],
  ])('%j is said to break near its line %i, character %i', (text, line, character) => {
    expect(refusal(text)).toBe(`The body is not valid JSON (near its line ${line}, character ${character}).`);
  });

  it('is placed where the mistake is, wherever that is in a valid document', () => {
    const document = fc.tuple(fc.array(fc.jsonValue(), { maxLength: 5 }), fc.array(fc.jsonValue(), { maxLength: 5 }));
    fc.assert(
      fc.property(document, ([before, after]) => {
        const begin = `[${before.map((value) => `${JSON.stringify(value)},`).join('')}`;
        const message = refusal(`${begin}#${after.map((value) => `,${JSON.stringify(value)}`).join('')}]`);
        expect(message).toBe(`The body is not valid JSON (near its line 1, character ${begin.length + 1}).`);
      }),
    );
  });

  it('is not searched when it is long, and nothing of it comes back', () => {
    expect(refusal(`{"a": "${'x'.repeat(70_000)}", "b": [1,]}`)).toBe('The body is not valid JSON.');
  });
});
