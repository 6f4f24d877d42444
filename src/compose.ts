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
 * What a process of the settings' role is made of. Beside main.ts, where `migrate` ends, only this asks for the role: what
 * works in one of them alone is provided by that one's module, and loaded with it.
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
