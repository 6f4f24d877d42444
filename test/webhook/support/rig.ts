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
import { OutcomeWriter } from '../../../src/webhook/outcome-writer.js';
import { SenderModule } from '../../../src/webhook/sender.module.js';
import { until } from '../../generation/http-support.js';
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
  /** Sends everything that is due, and resolves when a sweep found nothing more and every outcome is written. */
  sendDue(): Promise<void>;
  close(): Promise<void>;
}

export interface RigOptions {
  readonly settings?: SettingChanges;
  readonly db?: TestDatabase;
  readonly clock?: FakeClock;
  readonly resolver?: NameResolver;
}

/** Sweeps until a sweep begins no attempt. Attempts that were in flight before belong to processes that have ended. */
async function sendAllDue({ database }: TestDatabase, sender: DeliverySender, writer: OutcomeWriter): Promise<void> {
  const inFlight = `from webhook_deliveries where status = 'in_flight'`;
  const others = await database.query<{ lock_token: string }>(`select lock_token ${inFlight}`);
  const look = async () => {
    const [seen] = await database.query<{ open: number; begun: number }>(
      `select (select count(*)::int ${inFlight} and lock_token <> all ($1)) as open,
         (select count(*)::int from webhook_attempts) as begun`,
      [others.map(({ lock_token }) => lock_token)],
    );
    return seen as NonNullable<typeof seen>;
  };
  for (let before = await look(); ;) {
    await sender.sweep();
    let after = await look();
    await until(async () => (after = await look()).open === 0);
    // The health of receivers is written after the outcomes.
    await writer.flush();
    if (after.begun === before.begun) return;
    before = after;
  }
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
    sendDue: () => sendAllDue(db, sender, of(OutcomeWriter)),
    close: async () => {
      await module.close();
      if (options.db === undefined) await db.drop();
    },
  };
}
