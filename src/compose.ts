import type { DynamicModule } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';
import { setUpApp } from './app.setup.js';
import type { AppConfig } from './config/app-config.js';

/** The application of one process. */
export interface Composition {
  /** The root module. */
  readonly module: DynamicModule;
  /** The HTTP set-up. */
  readonly setUp: (app: NestExpressApplication, config: AppConfig) => void;
}

/**
 * The modules and the HTTP set-up for the role of the settings. Only this function and main.ts (for `migrate`) ask for
 * the role. What works in one role alone is in that role's module, and is only loaded with it.
 * @param databaseUrl - what `prepareDatabase` answered
 */
export async function compose(config: AppConfig, databaseUrl: string): Promise<Composition> {
  if (config.role === 'worker') {
    const { WorkerModule } = await import('./worker.module.js');
    return { module: AppModule.forRoot(config, databaseUrl, [WorkerModule]), setUp: setUpApp };
  }
  const [{ ApiModule }, { setUpApi }] = await Promise.all([import('./api.module.js'), import('./api.setup.js')]);
  const api = ApiModule.register();
  const doors = config.role === 'api' ? [api] : [api, (await import('./worker.module.js')).WorkerModule];
  return { module: AppModule.forRoot(config, databaseUrl, doors), setUp: setUpApi };
}
