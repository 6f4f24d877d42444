import { describe, expect, it } from 'vitest';
import { cursorAt, placeOf } from '../../src/polling/results-cursor.js';

const place = { jobId: '01a2173c-e238-7491-962a-389be96d844c', position: 49_999, revision: 3 };

describe('a cursor of results', () => {
  it('a cursor of results says where its page ended, and looks like nothing else', () => {
    const cursor = cursorAt(place);
    expect(cursor).toMatch(/^[A-Za-z0-9_-]{56,}$/);
    expect(placeOf(cursor)).toEqual(place);
  });

  it.each([
    '',
    'lot-1',
    place.jobId,
    `${cursorAt(place)}=`,
    `${cursorAt(place)} `,
    Buffer.from(`${place.jobId}.1`).toString('base64url'),
    Buffer.from(`${place.jobId}.01.0`).toString('base64url'),
    Buffer.from(`${place.jobId}.-1.0`).toString('base64url'),
    Buffer.from(`${place.jobId}.9999999999.0`).toString('base64url'),
    Buffer.from(`${'-'.repeat(36)}.1.0`).toString('base64url'),
  ])('a cursor of results is not %j', (text) => {
    expect(placeOf(text)).toBeNull();
  });
});
