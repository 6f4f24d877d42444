import { NestFactory } from '@nestjs/core';
import type { INestApplicationContext } from '@nestjs/common';
import { AppModule } from '../../src/app.module.js';
import { loadConfig } from '../../src/config/load-config.js';
import { Acts } from '../../src/ops/acts.js';
import { isAct, readCommandLine } from '../../src/ops/command-line.js';
import { OpsModule } from '../../src/ops/ops.module.js';
import { Readings, type Printed } from '../../src/ops/readings.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const SECRET = 'dev-shared-key-0123456789abcdef012345';

/** The commands in this process, as src/ops.ts puts them together, on a database of their own. */
export class OpsRig {
  private constructor(
    readonly db: TestDatabase,
    readonly app: INestApplicationContext,
  ) {}

  static async start({ statementSeconds = 30 } = {}): Promise<OpsRig> {
    const db = await createTestDatabase();
    const settings = loadConfig({
      DATABASE_URL: db.url,
      SHARED_KEY: SECRET,
      OPENAI_API_KEY: 'unused',
      MAX_ACTIVE_JOBS: '3',
    });
    const config = { ...settings, database: { ...settings.database, statementSeconds } };
    const module = AppModule.forRoot(config, db.url, [OpsModule]);
    const app = await NestFactory.createApplicationContext(module, { logger: ['error'], abortOnError: false });
    return new OpsRig(db, app);
  }

  async run(...words: string[]): Promise<Printed> {
    const { command } = readCommandLine(words);
    if (!('warrant' in command)) return this.app.get(Readings).read(command);
    return isAct(command) ? this.app.get(Acts).do(command) : this.app.get(Acts).estimate(command);
  }

  /** The document alone; each test knows the members that it expects. */
  async json<T = Readonly<Record<string, unknown>>>(...words: string[]): Promise<T> {
    return JSON.parse(JSON.stringify((await this.run(...words)).document)) as T;
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.db.drop();
  }
}
