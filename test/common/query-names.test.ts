import { parse } from 'node:querystring';
import { describe, expect, it } from 'vitest';
import { ignoredParameters, plainQuery } from '../../src/common/query-names.js';

describe('plainQuery', () => {
  it.each([
    ['status=failed', { status: 'failed' }],
    ['status[]=failed', { status: 'failed' }],
    ['status%5B%5D=failed&limit[]=5', { status: 'failed', limit: '5' }],
    ['status[]=failed&status[]=completed', { status: ['failed', 'completed'] }],
    ['status[0]=failed&status[1]=completed', { status: ['failed', 'completed'] }],
    ['status=failed&status[]=completed', { status: ['failed', 'completed'] }],
    ['lot_id[]=a&lot_id[]=a', { lot_id: ['a', 'a'] }],
    ['status=failed&status=completed', { status: [['failed', 'completed']] }],
    ['status[ne]=failed&a[][]=1&[]=2', { 'status[ne]': 'failed', 'a[][]': '1', '[]': '2' }],
    ['', {}],
  ])('plainQuery reads %s', (query, expected) => {
    expect(plainQuery(parse(query))).toEqual(expected);
  });
});

describe('ignoredParameters', () => {
  const known = new Set(['status', 'limit']);

  it.each([
    ['status=a&limit=1', null],
    ['status[]=a&limit[0]=1', null],
    ['stauts=a&limit=1&sort=asc', 'stauts, sort'],
    ['Status=a&status[ne]=b&__proto__=1', 'Status, status[ne], __proto__'],
    ['a,b=1&c%0Ad=2&%F0%9F%98%80=3&%C3%A4=4&e%3Bf=5', 'a%2Cb, c%0Ad, %F0%9F%98%80, %C3%A4, e%3Bf'],
    [`${'x'.repeat(500)}=1`, 'x'.repeat(64)],
    [`${'x'.repeat(63)}%F0%9F%98%80y=1`, `${'x'.repeat(63)}%F0%9F%98%80`],
  ])('ignoredParameters of %s are %s', (query, expected) => {
    expect(ignoredParameters(parse(query), known)).toBe(expected);
  });

  it('ignoredParameters are the first twenty at most', () => {
    const names = Array.from({ length: 30 }, (_, index) => `p${index}`);
    const ignored = ignoredParameters(parse(names.map((name) => `${name}=1`).join('&')), known);
    expect(ignored).toBe(names.slice(0, 20).join(', '));
  });
});
