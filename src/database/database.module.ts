import { Global, Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { AppConfig } from '../config/app-config.js';
import { dataSourceOptions } from './data-source-options.js';
import { Database } from './database.service.js';
import { Leases } from './leases.service.js';

/** The data source, and what runs SQL on its pool. Rooms register their entities by `TypeOrmModule.forFeature`. */
@Global()
@Module({})
export class DatabaseModule {
  /** @param url - what `prepareDatabase` answered: DATABASE_URL, or the embedded server's */
  static forRoot(config: AppConfig, url: string): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: () => ({
            ...dataSourceOptions(config, url),
            autoLoadEntities: true,
            // Ten retries of three seconds would hide from the orchestrator that nothing works.
            retryAttempts: 0,
          }),
        }),
      ],
      providers: [Database, Leases],
      exports: [Database, Leases, TypeOrmModule],
    };
  }
}
