import { Global, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Clock } from './clock.js';
import { HttpErrorFilter } from './http-error.filter.js';
import { Leaving } from './leaving.js';

/** What every room needs and no single room owns: the clock, the one filter that turns errors into HTTP, the end. */
@Global()
@Module({
  providers: [Clock, Leaving, { provide: APP_FILTER, useClass: HttpErrorFilter }],
  exports: [Clock, Leaving],
})
export class CommonModule {}
