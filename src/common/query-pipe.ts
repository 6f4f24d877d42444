import { ValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import { plainQuery } from './query-names.js';
import { ServiceError } from './service-error.js';

/** Lists may be written `status[]=a&status[]=b` or `status[0]=a&status[1]=b`. */
class QueryPipe extends ValidationPipe {
  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const query = typeof value === 'object' && value !== null ? plainQuery(value as Record<string, unknown>) : value;
    return super.transform(query, metadata);
  }
}

const REPEATED = 'must stand once in the query; where several values are taken they are written name[]=…&name[]=…';

/** What {@link plainQuery} makes of a plain name that came twice: each value may be right, so no rule of theirs would help. */
function isRepeated(value: unknown): boolean {
  return Array.isArray(value) && value.some(Array.isArray);
}

/** Checks a query: unknown members are ignored (see ignored-parameters.ts), a wrong one is named with its rule. */
export const queryPipe = new QueryPipe({
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
