import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { CommonModule } from './common/common.module.js';
import type { AppConfig } from './config/app-config.js';
import { ConfigModule } from './config/config.module.js';
import { DatabaseModule } from './database/database.module.js';

/** The root module of a process: what every role has, and the doors of its own role. */
@Module({})
export class AppModule {
  /**
   * @param databaseUrl - what `prepareDatabase` answered
   * @param doors - ApiModule, WorkerModule or both; `compose` picks them
   */
  static forRoot(
    config: AppConfig,
    databaseUrl: string,
    doors: readonly (Type<unknown> | DynamicModule)[],
  ): DynamicModule {
    return {
      module: AppModule,
      imports: [ConfigModule.forRoot(config), CommonModule, DatabaseModule.forRoot(config, databaseUrl), ...doors],
    };
  }
}
