import { ValidationPipe } from '@nestjs/common';
import { ServiceError } from './service-error.js';

/** Checks a query: unknown members are ignored, a wrong one is named with its rule. */
export const queryPipe = new ValidationPipe({
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
