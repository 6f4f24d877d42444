import { ValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import { plainQuery } from './query-names.js';
import { ServiceError } from './service-error.js';

/** Checks a route's query and small bodies. It runs after the guard, which has proved who sent the request. */
class InputPipe extends ValidationPipe {
  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const members = isObject(value) ? value : {};
    // Lists of a query may be written `status[]=a&status[]=b` or `status[0]=a&status[1]=b`.
    return super.transform(metadata.type === 'query' ? plainQuery(members) : members, metadata);
  }
}

/** A missing body, a list or a number is treated as an object without members, so every required member is reported. */
function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const REPEATED = 'must stand once in the query; where several values are taken they are written name[]=…&name[]=…';

/**
 * The marker that {@link plainQuery} gives for a plain name sent twice. Each value alone may be valid, so the rules of
 * the class would not report it.
 */
function isRepeated(value: unknown): boolean {
  return Array.isArray(value) && value.some(Array.isArray);
}

/**
 * For `@Query()` and for `@Body()` of small bodies, whose classes have the rules: members that they do not name are
 * ignored (for queries see ignored-parameters.ts), a wrong one is named with its rule.
 */
export const inputPipe = new InputPipe({
  transform: true,
  whitelist: true,
  exceptionFactory: (errors) =>
    new ServiceError('VALIDATION_FAILED', 'Some values are not valid; details lists each field with its rule.', {
      details: {
        fields: errors.map(({ property, value, constraints = {} }) => ({
          path: property,
          rule: isRepeated(value) ? REPEATED : Object.values(constraints).join('; '),
        })),
        count: errors.length,
      },
    }),
});

/** For members that may be lists: a single value becomes a list of one. */
export function toList({ value }: { value: unknown }): unknown {
  return value === undefined || Array.isArray(value) ? value : [value];
}
