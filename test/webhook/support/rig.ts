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
import { OutboxStore } from '../../../src/webhook/outbox-store.js';
import { ClaimStore } from '../../../src/webhook/claim-store.js';
import { DeliverySender } from '../../../src/webhook/delivery-sender.js';
import { JobReader } from '../../../src/jobs/job-reader.js';
import { JobStore } from '../../../src/jobs/job-store.js';
import { LotEndStore } from '../../../src/jobs/lot-end-store.js';
import { JobEnder, type EndJobOptions } from '../../../src/jobs/job-ender.js';
import { OutcomeStore } from '../../../src/webhook/outcome-store.js';
import { OutcomeWriter } from '../../../src/webhook/outcome-writer.js';
import { ReceiverStore } from '../../../src/webhook/receiver-store.js';
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
  readonly outbox: OutboxStore;
  readonly hints: DeliveryHints;
  readonly claims: ClaimStore;
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
  const receivers = new ReceiverStore(database, db.dataSource.getRepository(WebhookEndpoint));
  const outbox = new OutboxStore(config, receivers);
  const lots = new LotEndStore();
  const ender = new JobEnder(clock, new JobStore(database), lots, new WebhookJobEndOutbox(config, outbox, lots));
  const hints = new DeliveryHints();
  const claims = new ClaimStore(database);
  const outcomes = new OutcomeStore(database);
  const writer = new OutcomeWriter(outcomes, receivers, clock);
  const signer = new WebhookSigner(config, new KeyRing(config));
  const renderer = new BodyRenderer(
    new EndedJobs(new JobReader(database)),
    new LotResultReader(database),
    new PartReader(database),
    signer,
  );
  const resolver = options.resolver ?? new NameResolver();
  const outbound = new OutboundClient(AllowList.parse(config.outbound.allow), resolver);
  const runner = new AttemptRunner(config, clock, renderer, signer, outbound);
  const sender = new DeliverySender(config, clock, hints, claims, runner, writer);
  sender.onApplicationBootstrap();
  return {
    config,
    clock,
    db,
    ender,
    outbox,
    hints,
    claims,
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
