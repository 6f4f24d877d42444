import { Global, Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { AppConfig } from '../config/app-config.js';
import { dataSourceOptions } from './data-source-options.js';
import { Database } from './database.service.js';
import { Leases } from './leases.service.js';
import { PoolFigures } from './pool-figures.js';
import { ReadReplica } from './replica/read-replica.js';
import { ReplicaFigures } from './replica/replica-figures.js';

/**
 * The data source, and the services that run SQL on its pool. Rooms register their entities with
 * `TypeOrmModule.forFeature`.
 */
@Global()
@Module({})
export class DatabaseModule {
  /** @param url - from `prepareDatabase`: DATABASE_URL, or the embedded server's URL */
  static forRoot(config: AppConfig, url: string): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: () => ({
            ...dataSourceOptions(config, url),
            autoLoadEntities: true,
            // TypeORM's ten retries of three seconds would hide the failure from the orchestrator.
            retryAttempts: 0,
          }),
        }),
      ],
      providers: [Database, Leases, PoolFigures, ReadReplica, ReplicaFigures],
      exports: [Database, Leases, ReadReplica, TypeOrmModule],
    };
  }
}
