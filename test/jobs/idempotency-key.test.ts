import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../src/common/service-error.js';
import { readIdempotencyKey } from '../../src/jobs/idempotency-key.js';

const read = (...values: string[]) => readIdempotencyKey({ 'idempotency-key': values });

describe('the header Idempotency-Key', () => {
  it('the header Idempotency-Key may be missing', () => {
    expect(readIdempotencyKey({})).toBeNull();
  });

  it.each([
    ['order-17', 'order-17'],
    ['"order-17"', 'order-17'],
    ['!~', '!~'],
    ['"', '"'],
    ['x'.repeat(255), 'x'.repeat(255)],
    [`"${'x'.repeat(255)}"`, 'x'.repeat(255)],
  ])('the header Idempotency-Key %s is the key %s', (header, key) => {
    expect(read(header)).toBe(key);
  });

  it.each([[['']], [['""']], [['two words']], [['käse']], [['x'.repeat(256)]], [['a', 'a']], [['a', 'b']]])(
    'the header Idempotency-Key %j is refused by name',
    (values) => {
      let refusal: unknown;
      try {
        read(...values);
      } catch (error) {
        refusal = error;
      }
      expect(refusal).toBeInstanceOf(ServiceError);
      expect(refusal).toMatchObject({
        code: 'VALIDATION_FAILED',
        details: { fields: [{ path: 'Idempotency-Key' }], count: 1 },
      });
    },
  );
});
