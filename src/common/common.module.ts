import { Global, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Clock } from './clock.js';
import { HttpErrorFilter } from './http-error.filter.js';

/** What every room needs and no single room owns: the clock, and the one filter that turns errors into HTTP. */
@Global()
@Module({
  providers: [Clock, { provide: APP_FILTER, useClass: HttpErrorFilter }],
  exports: [Clock],
})
export class CommonModule {}
