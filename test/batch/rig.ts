import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Test, type TestingModule } from '@nestjs/testing';
import { BatchModule } from '../../src/batch/batch.module.js';
import { CheckPhotosStage } from '../../src/batch/stages/check-photos.stage.js';
import { DirectStage } from '../../src/batch/stages/direct.stage.js';
import { FileRemovalStage } from '../../src/batch/stages/file-removal.stage.js';
import { OverdueJobs } from '../../src/batch/upkeep/overdue-jobs.js';
import type { Stage } from '../../src/batch/stages/stage.js';
import { SubmitStage } from '../../src/batch/stages/submit.stage.js';
import { TakeInStage } from '../../src/batch/stages/take-in.stage.js';
import { WatchStage } from '../../src/batch/stages/watch.stage.js';
import { CommonModule } from '../../src/common/common.module.js';
import { ConfigModule } from '../../src/config/config.module.js';
import type { AppConfig } from '../../src/config/app-config.js';
import { loadConfig } from '../../src/config/load-config.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { Leases } from '../../src/database/leases.service.js';
import { JobAdvance } from '../../src/batch/shards/job-advance.js';
import { mayBeHalfWritten, ShardStore } from '../../src/batch/shards/shard-store.js';
import { GlossaryMaker } from '../../src/glossaries/glossary-maker.js';
import { OpenAiError } from '../../src/openai/errors.js';
import type { JsonObject } from 'openai-sandbox';
import { AVIF, JPEG } from '../images/photo-samples.js';
import { TestSandbox } from '../../packages/openai-sandbox/test/support.js';
import type { JobOptions } from '../../src/jobs/batch-job.entity.js';
import { aJob } from '../support/a-job.mjs';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { wrongFailures } from '../support/wrong-failures.js';
import { usageDifferences } from '../support/usage.js';

/** Each lot has its own photos. The path decides what the host answers; only `real` ones and AVIFs have bytes. */
const PHOTO: RequestListener = (request, response) => {
  const sample = request.url?.endsWith('.avif') === true ? AVIF : request.url?.includes('real') === true ? JPEG : null;
  if (sample !== null) {
    const type = sample === AVIF ? 'image/avif' : 'image/jpeg';
    response.writeHead(200, { 'Content-Type': type, 'Content-Length': sample.length }).end(sample);
    return;
  }
  if (request.url?.includes('missing') === true) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'Content-Type': 'image/jpeg', 'Content-Length': '50000' });
  // A GET breaks off at once, so that nothing is known of the photo's size: one that hangs would cost each test a second.
  if (request.method === 'HEAD') response.end();
  else response.destroy();
};

const STAGES = ['photos', 'submit', 'watch', 'take-in', 'direct', 'files'] as const;
type StageName = (typeof STAGES)[number];

export interface JobOfRig {
  readonly lots?: number;
  readonly languages?: readonly string[];
  readonly options?: JobOptions;
  readonly keyId?: string;
  /** Paths of a lot's photos, or whole addresses; two by default. */
  readonly photos?: (position: number) => readonly string[];
}

export interface LotRow {
  position: number;
  lot_id: string;
  status: string;
  attempt: number;
  error: { code: string } | null;
  rendered_bytes: number;
}

export interface Shard {
  stage: string;
  first_position: number;
  attempt: number;
  last_position: number;
  status: string;
  submission: number;
  reason: string | null;
  upstream_status: string | null;
}

/**
 * The stages as the service has them, on a real PostgreSQL and against the real sandbox over HTTP. Only the crons are
 * replaced: the rig runs everything that is due, and makes due what waits.
 */
export class BatchRig {
  private constructor(
    readonly db: TestDatabase,
    readonly sandbox: TestSandbox,
    readonly module: TestingModule,
    private readonly photoServer: Server,
    private readonly photoOrigin: string,
  ) {}

  static async start(
    environment: Record<string, string> = {},
    sandboxSettings: Record<string, string> = {},
    change: (config: AppConfig) => AppConfig = (config) => config,
  ): Promise<BatchRig> {
    const photoServer = createServer(PHOTO).listen(0, '127.0.0.1');
    await once(photoServer, 'listening');
    const photoOrigin = `http://127.0.0.1:${(photoServer.address() as AddressInfo).port}`;
    const sandbox = await TestSandbox.start({ SANDBOX_PHOTOS: 'url', ...sandboxSettings });
    const db = await createTestDatabase();
    const settings = loadConfig({
      SHARED_KEY: 'k'.repeat(32),
      DATABASE_URL: db.url,
      OPENAI_API_KEY: 'test',
      OPENAI_BASE_URL: sandbox.server.baseUrl,
      OUTBOUND_ALLOW: '127.0.0.1',
      BATCH_POLL_INTERVAL: '0.05',
      SUBMIT_GRACE: '0',
      RETRY_ATTEMPTS: '2',
      BASE_DELAY_SEC: '0.01',
      ACTIVE_BATCH_LIMIT_KEY: '10',
      ...environment,
    });
    const config = change(settings);
    const module = await Test.createTestingModule({
      imports: [ConfigModule.forRoot(config), CommonModule, DatabaseModule.forRoot(config, db.url), BatchModule],
    }).compile();
    return new BatchRig(db, sandbox, module, photoServer, photoOrigin);
  }

  async fault(...rules: JsonObject[]): Promise<void> {
    await this.sandbox.faults(...rules);
  }

  /** Accepts a job as the intake does. */
  async job({
    lots = 3,
    languages = ['en', 'fi'],
    options = {},
    keyId = 'acme',
    photos,
  }: JobOfRig = {}): Promise<string> {
    return this.db.database.transaction(async (tx) => {
      const job = { keyId, languages, options, totalLots: lots, totalImages: lots * 2, awaitingImages: lots };
      const id = await aJob(tx, job);
      for (let position = 0; position < lots; position += 1) {
        const paths = photos?.(position) ?? [`/lot${position}-a.jpg`, `/lot${position}-b.jpg`];
        const images = JSON.stringify(paths.map((path) => (path.startsWith('http') ? path : this.photoOrigin + path)));
        await tx.execute(
          `with lot as (insert into batch_lots (job_id, position, lot_id) values ($1, $2::int, 'lot-' || $2::int))
           insert into batch_lot_inputs (job_id, position, images) values ($1, $2, $3)`,
          [id, position, images],
        );
      }
      await this.module.get(ShardStore).plan(tx, { jobId: id, keyId, totalLots: lots, visionModel: 'gpt-5.6-terra' });
      return id;
    });
  }

  stage(name: StageName): Stage {
    const types = {
      photos: CheckPhotosStage,
      submit: SubmitStage,
      watch: WatchStage,
      'take-in': TakeInStage,
      direct: DirectStage,
      files: FileRemovalStage,
    };
    return this.module.get<Stage>(types[name]);
  }

  /** Claims what is due for a stage and runs it as its loop would. @returns how many shards it took */
  async run(name: StageName): Promise<number> {
    const stage = this.stage(name);
    const claims = await stage.claim(10);
    await Promise.all(
      claims.map(async (claim) => {
        try {
          await this.module.get(Leases).runWithLease(claim, async (lease) => {
            if (mayBeHalfWritten(claim)) await this.module.get(JobAdvance).recount(claim.row.job_id);
            await stage.run(claim, lease.signal);
          });
        } catch (error) {
          if (!(error instanceof OpenAiError)) throw error;
        }
      }),
    );
    return claims.length;
  }

  /** A claim of a dead process ends with its lease; everything that waits becomes due. */
  async makeDue(): Promise<void> {
    await this.db.database.execute(
      `update openai_batches set next_check_at = clock_timestamp() - interval '1 second'
       where status not in ('done', 'cancelled') or input_file_id is not null or output_file_id is not null
         or error_file_id is not null`,
    );
    await this.db.database.execute('update openai_models set paused_until = clock_timestamp()');
  }

  /** Runs every stage until `done` says so. */
  async runUntil(done: () => Promise<boolean>): Promise<void> {
    for (let round = 0; !(await done()); round += 1) {
      if (round > 400) throw new Error(`nothing more happens: ${JSON.stringify(await this.shards())}`);
      await this.makeDue();
      for (const name of STAGES) await this.run(name);
      // Texts wait for glossaries that are made meanwhile.
      await this.module.get(GlossaryMaker).idle();
      await this.module.get(OverdueJobs).hurry();
      await this.module.get(OverdueJobs).end();
    }
  }

  async runToEnd(jobId: string): Promise<Record<string, unknown>> {
    await this.runUntil(async () =>
      ['completed', 'failed', 'cancelled'].includes(String((await this.jobRow(jobId))['status'])),
    );
    return this.jobRow(jobId);
  }

  async jobRow(jobId: string): Promise<Record<string, unknown>> {
    const [row] = await this.db.database.query<Record<string, unknown>>('select * from batch_jobs where id = $1', [
      jobId,
    ]);
    return row ?? {};
  }

  async lots(jobId: string): Promise<LotRow[]> {
    return this.db.database.query<LotRow & Record<string, unknown>>(
      'select position, lot_id, status, attempt, error, rendered_bytes from batch_lots where job_id = $1 order by position',
      [jobId],
    );
  }

  async shards(): Promise<Shard[]> {
    return this.db.database.query<Shard & Record<string, unknown>>(
      `select stage, first_position, attempt, last_position, status, submission, reason, upstream_status
       from openai_batches order by stage desc, first_position, attempt`,
    );
  }

  /** How many requests reached POST /v1/responses, which batches do not use. */
  async directCalls(): Promise<number> {
    const { json } = await this.sandbox.call('GET', '/sandbox/log?path=/v1/responses');
    return (json['requests'] as JsonObject[]).length;
  }

  /** The calls of a job's models that were counted, by stage. */
  async countedCalls(jobId: string): Promise<Record<string, number>> {
    const rows = await this.db.database.query<{ stage: string; calls: number }>(
      'select stage, sum(calls)::int as calls from job_usage where job_id = $1 group by stage',
      [jobId],
    );
    return Object.fromEntries(rows.map(({ stage, calls }) => [stage, calls]));
  }

  /** `position language` of every result, in order. */
  async results(jobId: string): Promise<string[]> {
    const rows = await this.db.database.query<{ position: number; language: string; fallback: boolean }>(
      'select position, language, fallback from batch_results where job_id = $1 order by position, language',
      [jobId],
    );
    return rows.map((row) => `${row.position} ${row.language}${row.fallback ? ' fallback' : ''}`);
  }

  /**
   * The number of batches that ran for each shard, whatever their submissions are called: a second one is paid for
   * twice.
   */
  async created(): Promise<Record<string, number>> {
    const answer = await fetch(`${this.sandbox.server.origin}/sandbox/batches`);
    const { batches } = (await answer.json()) as { batches: { status: string; metadata: { key: string } }[] };
    const counts: Record<string, number> = {};
    for (const { status, metadata } of batches) {
      if (status === 'failed') continue;
      const shard = metadata.key.slice(0, metadata.key.lastIndexOf(':'));
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    return counts;
  }

  /** Ended shards whose files are still to be deleted. */
  async spentFiles(): Promise<number> {
    const [row] = await this.db.database.query<{ count: number }>(
      `select count(*)::int as count from openai_batches where status in ('done', 'cancelled')
         and (input_file_id is not null or output_file_id is not null or error_file_id is not null)`,
    );
    return row?.count ?? 0;
  }

  /** Every shard has ended and left nothing behind. */
  async settled(): Promise<boolean> {
    const open = (await this.shards()).some((shard) => !['done', 'cancelled'].includes(shard.status));
    return !open && (await this.spentFiles()) === 0;
  }

  /** What must be true of every ended job, even if something went wrong on its way. */
  async audit(jobId: string): Promise<string[]> {
    const problems: string[] = [];
    const job = await this.jobRow(jobId);
    const lots = await this.lots(jobId);
    const completed = lots.filter((lot) => lot.status === 'completed');
    const failed = lots.filter((lot) => lot.status === 'failed');
    if (job['processed_lots'] !== completed.length) problems.push('processed_lots');
    if (job['failed_lots'] !== failed.length) problems.push('failed_lots');
    const seen = 'select sum(processed_images)::text as sum from batch_lots where job_id = $1';
    const [images] = await this.db.database.query<{ sum: string }>(seen, [jobId]);
    if (job['processed_images'] !== images?.sum) problems.push('processed_images');
    if (job['status'] !== 'cancelled') {
      for (const counter of ['awaiting_images', 'awaiting_vision', 'awaiting_translation']) {
        if (job[counter] !== 0) problems.push(counter);
      }
      if (completed.length + failed.length !== job['total_lots']) problems.push('unfinished lots');
    }
    const results = await this.db.database.query<{ position: number; languages: string[] }>(
      'select position, array_agg(language) as languages from batch_results where job_id = $1 group by position',
      [jobId],
    );
    const languages = new Map(results.map((row) => [row.position, row.languages]));
    for (const { position } of completed) {
      const missing = (job['languages'] as string[]).filter((tag) => !languages.get(position)?.includes(tag));
      if (missing.length > 0) problems.push(`lot ${position} lacks ${missing.join()}`);
    }
    if (completed.some((lot) => lot.rendered_bytes === 0)) problems.push('rendered_bytes');
    for (const [key, count] of Object.entries(await this.created()))
      if (count !== 1) problems.push(`${key} ${count} times`);
    if ((await usageDifferences(this.db.database)).length > 0) problems.push('usage of the key');
    return problems;
  }

  async close(): Promise<void> {
    await this.module.close();
    const wrong = await wrongFailures(this.db.database);
    await this.sandbox.stop();
    this.photoServer.closeAllConnections();
    this.photoServer.close();
    await this.db.drop();
    // Whatever a test did to a job: its failures by code are those of its lots.
    if (wrong.length > 0) throw new Error(`failures were miscounted: ${JSON.stringify(wrong)}`);
  }
}
