import { join } from 'node:path';
import type { AppConfig } from '../../src/config/app-config.js';

/** The part of the settings that the database room reads. */
export function testConfig(
  database: Partial<AppConfig['database']> = {},
): Pick<AppConfig, 'packageRoot' | 'database' | 'role'> {
  return {
    packageRoot: join(import.meta.dirname, '..', '..'),
    role: 'all',
    database: { url: '', dataDir: '', prepared: false, poolSize: 5, readUrl: '', readPoolSize: 5, ...database },
  };
}
