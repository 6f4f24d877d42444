import type { Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Clock } from '../../../src/common/clock.js';
import { CommonModule } from '../../../src/common/common.module.js';
import type { AppConfig } from '../../../src/config/app-config.js';
import { ConfigModule } from '../../../src/config/config.module.js';
import { loadConfig } from '../../../src/config/load-config.js';
import { DatabaseModule } from '../../../src/database/database.module.js';
import { JobEnder, type EndJobOptions } from '../../../src/jobs/job-ender.js';
import type { TerminalStatus } from '../../../src/jobs/states.js';
import { NameResolver } from '../../../src/outbound/name-resolver.js';
import { AttemptRunner } from '../../../src/webhook/attempt-runner.js';
import { AttemptsModule } from '../../../src/webhook/attempts.module.js';
import { DeliveryHints } from '../../../src/common/work-hints.js';
import { ClaimStore } from '../../../src/webhook/claim-store.js';
import { DeliverySender } from '../../../src/webhook/delivery-sender.js';
import { OutboxModule } from '../../../src/webhook/outbox.module.js';
import { OutcomeStore } from '../../../src/webhook/outcome-store.js';
import { SenderModule } from '../../../src/webhook/sender.module.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { FakeClock } from '../../support/fake-clock.js';
import { SECRET } from './seed.js';

export interface SettingChanges {
  readonly keys?: Record<string, readonly string[]>;
  readonly allow?: readonly string[];
  readonly webhook?: Partial<AppConfig['webhook']>;
}

/** The service's own defaults, except for the values given. */
export function testSettings({
  keys = { default: [SECRET] },
  allow = ['127.0.0.1'],
  webhook,
}: SettingChanges = {}): AppConfig {
  const config = loadConfig({ SHARED_KEY: SECRET, OUTBOUND_ALLOW: allow.join(','), WEBHOOK_TIMEOUT: '5' });
  const auth = { ...config.auth, keys: new Map(Object.entries(keys)) };
  return { ...config, auth, webhook: { ...config.webhook, ...webhook } };
}

/** The part of one process that webhook/ makes, on `database`. Everything is real except the wall clock. */
export interface Rig {
  readonly module: TestingModule;
  readonly clock: FakeClock;
  readonly db: TestDatabase;
  readonly ender: JobEnder;
  readonly hints: DeliveryHints;
  readonly claims: ClaimStore;
  readonly outcomes: OutcomeStore;
  readonly runner: AttemptRunner;
  readonly sender: DeliverySender;
  end(jobId: string, status?: TerminalStatus, options?: EndJobOptions): Promise<boolean>;
  /** Sends everything that is due and waits until nothing is. */
  sendDue(): Promise<void>;
  close(): Promise<void>;
}

export interface RigOptions {
  readonly settings?: SettingChanges;
  readonly db?: TestDatabase;
  readonly clock?: FakeClock;
  readonly resolver?: NameResolver;
}

/** Built by the room's own modules. Without a scheduler only `sendDue` sends anything. */
export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const config = testSettings(options.settings);
  const clock = options.clock ?? new FakeClock();
  const db = options.db ?? (await createTestDatabase());
  const module = await Test.createTestingModule({
    imports: [
      ConfigModule.forRoot(config),
      CommonModule,
      DatabaseModule.forRoot(config, db.url),
      AttemptsModule,
      OutboxModule,
      SenderModule,
    ],
  })
    .overrideProvider(Clock)
    .useValue(clock)
    .overrideProvider(NameResolver)
    .useValue(options.resolver ?? new NameResolver())
    .compile();
  await module.init();
  const of = <T>(type: Type<T>): T => module.get(type, { strict: false });
  const [ender, sender] = [of(JobEnder), of(DeliverySender)];
  return {
    module,
    clock,
    db,
    ender,
    hints: of(DeliveryHints),
    claims: of(ClaimStore),
    outcomes: of(OutcomeStore),
    runner: of(AttemptRunner),
    sender,
    end: (jobId, status = 'completed', endOptions = {}) =>
      db.database.transaction((tx) => ender.endJob(tx, jobId, status, endOptions)),
    sendDue: async () => {
      await sender.sweep();
      await sender.idle();
    },
    close: async () => {
      await module.close();
      if (options.db === undefined) await db.drop();
    },
  };
}
