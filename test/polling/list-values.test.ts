import { describe, expect, it } from 'vitest';
import { newId } from '../../src/common/ids.js';
import { cursorAfter, parseCursor } from '../../src/common/cursor.js';
import { parseRfc3339 } from '../../src/common/clock.js';

describe('parseRfc3339', () => {
  it.each([
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01t00:00:00.25z', '2026-01-01T00:00:00.250Z'],
    ['2026-01-01T02:30:00+02:30', '2026-01-01T00:00:00.000Z'],
    ['2024-02-29T23:59:59-01:00', '2024-03-01T00:59:59.000Z'],
  ])('parseRfc3339 reads %s', (text, iso) => {
    expect(parseRfc3339(text)?.toISOString()).toBe(iso);
  });

  it.each([
    '',
    'yesterday',
    '2026-01-01',
    '2026-01-01T00:00:00',
    '2026-01-01 00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T25:00:00Z',
    '2026-01-01T00:00:00+99:00',
    '1767225600',
    ' 2026-01-01T00:00:00Z',
  ])('parseRfc3339 refuses %j', (text) => {
    expect(parseRfc3339(text)).toBeNull();
  });
});

describe('cursor', () => {
  it('a cursor carries a job id there and back', () => {
    const id = newId();
    expect(parseCursor(cursorAfter(id))).toBe(id);
  });

  it.each(['', 'x', 'not a cursor', Buffer.from("' or 1=1").toString('base64url'), `${cursorAfter(newId())}=`])(
    'a cursor is refused: %j',
    (cursor) => {
      expect(parseCursor(cursor)).toBeNull();
    },
  );
});
