import { KeyRing } from '../../../src/auth/key-ring.js';
import type { AppConfig } from '../../../src/config/app-config.js';
import { DEFAULT_WEBHOOK_SCHEDULE } from '../../../src/config/load-config.js';
import type { TerminalStatus } from '../../../src/jobs/states.js';
import { EndedJobs } from '../../../src/jobs/ended-jobs.js';
import { LotResultReader } from '../../../src/jobs/lot-result-reader.js';
import { PartReader } from '../../../src/jobs/part-reader.js';
import { AllowList } from '../../../src/outbound/address-rules.js';
import { NameResolver } from '../../../src/outbound/name-resolver.js';
import { OutboundClient } from '../../../src/outbound/outbound-client.js';
import { AttemptRunner } from '../../../src/webhook/attempt-runner.js';
import { BodyRenderer } from '../../../src/webhook/body-renderer.js';
import { DeliveryHints } from '../../../src/common/work-hints.js';
import { WebhookJobEndOutbox } from '../../../src/webhook/job-end-outbox.js';
import { DeliveryOutbox } from '../../../src/webhook/delivery-outbox.js';
import { DeliveryQueue } from '../../../src/webhook/delivery-queue.js';
import { DeliverySender } from '../../../src/webhook/delivery-sender.js';
import { JobEnder, type EndJobOptions } from '../../../src/jobs/job-ender.js';
import { OutcomeStore } from '../../../src/webhook/outcome-store.js';
import { OutcomeWriter } from '../../../src/webhook/outcome-writer.js';
import { WebhookSigner } from '../../../src/webhook/webhook-signer.js';
import { WebhookEndpoint } from '../../../src/webhook/webhook.entities.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { FakeClock } from './fake-clock.js';
import { SECRET } from './seed.js';

/** As much of the settings as this room reads. */
type RoomSettings = Pick<AppConfig, 'auth' | 'http' | 'jobs' | 'webhook' | 'outbound'>;

export interface SettingChanges {
  readonly keys?: Record<string, readonly string[]>;
  readonly allow?: readonly string[];
  readonly leaseSeconds?: number;
  readonly webhook?: Partial<AppConfig['webhook']>;
}

export function testSettings(changes: SettingChanges = {}): AppConfig {
  const settings: RoomSettings = {
    auth: {
      keys: new Map(Object.entries(changes.keys ?? { default: [SECRET] })),
      lotsSignature: true,
      legacyUnsignedReads: false,
    },
    http: {
      port: 0,
      host: '127.0.0.1',
      maxConnections: 100,
      keepAliveSeconds: 5,
      trustProxy: false,
      shutdownGraceSeconds: 5,
    },
    jobs: { leaseSeconds: changes.leaseSeconds ?? 60, retentionDays: 30 },
    outbound: { allow: changes.allow ?? ['127.0.0.1'] },
    webhook: {
      schedule: DEFAULT_WEBHOOK_SCHEDULE,
      timeoutSeconds: 5,
      secrets: new Map(),
      signatureFormat: 'sha256',
      partLots: 500,
      partBytes: 1024 * 1024,
      ...changes.webhook,
    },
  };
  return settings as AppConfig;
}

/** One process's worth of the room on `database`: everything real but the wall clock. */
export interface Rig {
  readonly config: AppConfig;
  readonly clock: FakeClock;
  readonly db: TestDatabase;
  readonly ender: JobEnder;
  readonly outbox: DeliveryOutbox;
  readonly hints: DeliveryHints;
  readonly queue: DeliveryQueue;
  readonly outcomes: OutcomeStore;
  readonly writer: OutcomeWriter;
  readonly runner: AttemptRunner;
  readonly sender: DeliverySender;
  readonly outbound: OutboundClient;
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

export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const config = testSettings(options.settings);
  const clock = options.clock ?? new FakeClock();
  const db = options.db ?? (await createTestDatabase({ entities: [WebhookEndpoint] }));
  const { database } = db;
  const outbox = new DeliveryOutbox(config);
  const ender = new JobEnder(clock, new WebhookJobEndOutbox(config, outbox));
  const hints = new DeliveryHints();
  const queue = new DeliveryQueue(database);
  const outcomes = new OutcomeStore(database);
  const writer = new OutcomeWriter(outcomes, clock);
  const signer = new WebhookSigner(config, new KeyRing(config));
  const renderer = new BodyRenderer(
    new EndedJobs(database),
    new LotResultReader(database),
    new PartReader(database),
    signer,
  );
  const resolver = options.resolver ?? new NameResolver();
  const outbound = new OutboundClient(AllowList.parse(config.outbound.allow), resolver);
  const runner = new AttemptRunner(config, clock, renderer, signer, outbound);
  const sender = new DeliverySender(config, clock, hints, queue, runner, writer);
  sender.onApplicationBootstrap();
  return {
    config,
    clock,
    db,
    ender,
    outbox,
    hints,
    queue,
    outcomes,
    writer,
    runner,
    sender,
    outbound,
    end: (jobId, status = 'completed', endOptions = {}) =>
      database.transaction((tx) => ender.endJob(tx, jobId, status, endOptions)),
    sendDue: async () => {
      await sender.sweep();
      await sender.idle();
    },
    close: async () => {
      await sender.onModuleDestroy();
      await sender.beforeApplicationShutdown();
      await outbound.onApplicationShutdown();
      if (options.db === undefined) await db.drop();
    },
  };
}
