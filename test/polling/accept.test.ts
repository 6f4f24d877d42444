import { describe, expect, it } from 'vitest';
import { preferredType } from '../../src/polling/accept.js';

const JSON_TYPE = 'application/json';
const LINES = 'application/x-ndjson';

describe('preferredType', () => {
  it.each([
    [undefined, JSON_TYPE],
    ['', JSON_TYPE],
    ['*/*', JSON_TYPE],
    ['*', JSON_TYPE],
    ['application/*', JSON_TYPE],
    [JSON_TYPE, JSON_TYPE],
    [LINES, LINES],
    ['Application/X-NDJSON', LINES],
    ['application/x-ndjson;charset=utf-8', LINES],
    ['application/x-ndjson; charset="utf-8"; q=0.9', LINES],
    ['application/x-ndjson;q=0.9;version=1', LINES],
    ['application/json;q=0.5, application/x-ndjson;q=0.9', LINES],
    ['application/json;q=0.9, application/x-ndjson;q=0.5', JSON_TYPE],
    ['application/x-ndjson;q=0.1, application/json;q=0', LINES],
    ['application/x-ndjson, application/json', LINES],
    ['application/json, application/x-ndjson', JSON_TYPE],
    ['application/x-ndjson, */*', LINES],
    ['*/*, application/x-ndjson', LINES],
    ['*/*;q=0.1, application/x-ndjson;q=0.2', LINES],
    ['application/x-ndjson;q=0.5, */*;q=0.8', JSON_TYPE],
    ['application/x-ndjson;q=0, */*', JSON_TYPE],
    ['application/json;q=0, application/*', LINES],
    ['application/json;q=0, */*;q=0.1', LINES],
    ['text/csv, application/x-ndjson;q=0.5, application/json;q=0.4', LINES],
    ['application/json;q=0', JSON_TYPE],
    ['text/html,application/xhtml+xml,*/*;q=0.8', JSON_TYPE],
    ['application/problem+json;profile="a,b;c", application/x-ndjson', LINES],
    ['application/json;profile="application/x-ndjson, \\"', JSON_TYPE],
    ['application/x-ndjson;q=0.9;q=0', LINES],
    ['application/x-ndjson;q=two, application/json;q=0.9', LINES],
    [', ,;q=1,application/x-ndjson,', LINES],
    ['application/x-ndjsonx, application/xx-ndjson', JSON_TYPE],
  ])('the preferred type of %s is %s', (accept, type) => {
    expect(preferredType(accept, [JSON_TYPE, LINES])).toBe(type);
  });

  it('preferredType reads a header of any length in one pass', () => {
    const long = `${'"\\'.repeat(8000)},application/x-ndjson`;
    expect(preferredType(long, [JSON_TYPE, LINES])).toBe(JSON_TYPE);
    expect(preferredType(`${'a/b;c=d,'.repeat(2000)}${LINES}`, [JSON_TYPE, LINES])).toBe(LINES);
  });
});
