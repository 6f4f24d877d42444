import { ValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import { plainQuery } from './query-names.js';
import { ServiceError } from './service-error.js';

/** Checks what a route takes in beside its path; it comes after the guard, which has proved who sent it. */
class InputPipe extends ValidationPipe {
  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const members = isObject(value) ? value : {};
    // Lists of a query may be written `status[]=a&status[]=b` or `status[0]=a&status[1]=b`.
    return super.transform(metadata.type === 'query' ? plainQuery(members) : members, metadata);
  }
}

/** No body, a list or a number lacks every member that a rule asks for. */
function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const REPEATED = 'must stand once in the query; where several values are taken they are written name[]=…&name[]=…';

/** What {@link plainQuery} makes of a plain name that came twice: each value may be right, so no rule of theirs would help. */
function isRepeated(value: unknown): boolean {
  return Array.isArray(value) && value.some(Array.isArray);
}

/**
 * For `@Query()` and for `@Body()` of small bodies, whose classes have the rules: members that they do not name are ignored
 * (for queries see ignored-parameters.ts), a wrong one is named with its rule.
 */
export const inputPipe = new InputPipe({
  transform: true,
  whitelist: true,
  exceptionFactory: (errors) =>
    new ServiceError('VALIDATION_FAILED', 'Some values are not allowed; details names each field and its rule.', {
      details: {
        fields: errors.map(({ property, value, constraints = {} }) => ({
          path: property,
          rule: isRepeated(value) ? REPEATED : Object.values(constraints).join('; '),
        })),
        count: errors.length,
      },
    }),
});

/** For members that may be lists: one value is a list of one. */
export function toList({ value }: { value: unknown }): unknown {
  return value === undefined || Array.isArray(value) ? value : [value];
}
