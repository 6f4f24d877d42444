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

/** Checks a query: unknown members are ignored (see ignored-parameters.ts), a wrong one is named with its rule. */
export const queryPipe = new QueryPipe({
  transform: true,
  whitelist: true,
  exceptionFactory: (errors) =>
    new ServiceError('VALIDATION_FAILED', 'Some values are not allowed; details names each field and its rule.', {
      details: {
        fields: errors.map(({ property, constraints = {} }) => ({
          path: property,
          rule: Object.values(constraints).join('; '),
        })),
        count: errors.length,
      },
    }),
});

/** For members that may be lists: one value is a list of one. */
export function toList({ value }: { value: unknown }): unknown {
  return value === undefined || Array.isArray(value) ? value : [value];
}
