import { Test, type TestingModule } from '@nestjs/testing';
import type { JsonObject } from 'openai-sandbox';
import { TestSandbox } from '../../packages/openai-sandbox/test/support.js';
import { CommonModule } from '../../src/common/common.module.js';
import { ConfigModule } from '../../src/config/config.module.js';
import { loadConfig } from '../../src/config/load-config.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { GlossariesModule } from '../../src/glossaries/glossaries.module.js';
import { GlossaryMaker } from '../../src/glossaries/glossary-maker.js';
import { newId } from '../../src/common/ids.js';
import { JobGlossaries, type NewPinning } from '../../src/glossaries/job-glossaries.js';
import type { PinnedGlossaries } from '../../src/jobs/job-glossary-store.js';
import { aJob } from '../support/a-job.mjs';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

export interface Making extends Record<string, unknown> {
  tag: string;
  taxonomy: string;
  status: string;
  version: string | null;
  tries: number;
  failures: number;
  reason: string | null;
  rest_seconds: number;
}

/** One process of the service, as far as glossaries go. */
export interface Replica {
  readonly module: TestingModule;
  readonly glossaries: JobGlossaries;
  readonly maker: GlossaryMaker;
}

/** A job that is about to be made, and that nobody has taken before. */
export function aNewJob(keyId: string, languages: readonly string[]): NewPinning {
  return { id: newId(), keyId, languages };
}

/** Processes that share a real PostgreSQL and the sandbox over HTTP. */
export class GlossaryRig {
  private readonly replicas: Replica[] = [];

  private constructor(
    readonly db: TestDatabase,
    readonly sandbox: TestSandbox,
  ) {}

  static async start(): Promise<GlossaryRig> {
    return new GlossaryRig(await createTestDatabase(), await TestSandbox.start());
  }

  /** @param files - files of `glossaries/` that are other than those of this version */
  async replica(
    environment: Record<string, string> = {},
    files: Readonly<Record<string, string>> = {},
  ): Promise<Replica> {
    const read = loadConfig({
      SHARED_KEY: 'k'.repeat(32),
      DATABASE_URL: this.db.url,
      OPENAI_API_KEY: 'test',
      OPENAI_BASE_URL: this.sandbox.server.baseUrl,
      RETRY_ATTEMPTS: '1',
      SHUTDOWN_GRACE: '0',
      ...environment,
    });
    const config = { ...read, glossaries: new Map([...read.glossaries, ...Object.entries(files)]) };
    const module = await Test.createTestingModule({
      imports: [
        ConfigModule.forRoot(config),
        CommonModule,
        DatabaseModule.forRoot(config, this.db.url),
        GlossariesModule,
      ],
    }).compile();
    const replica = { module, glossaries: module.get(JobGlossaries), maker: module.get(GlossaryMaker) };
    this.replicas.push(replica);
    return replica;
  }

  /** Asks for languages and waits until this process makes nothing more. */
  async make({ glossaries, maker }: Replica, ...languages: string[]): Promise<void> {
    await glossaries.start(languages);
    await maker.idle();
  }

  async fault(...rules: JsonObject[]): Promise<void> {
    await this.sandbox.faults(...rules);
  }

  /** How often a model was asked. */
  async calls(): Promise<number> {
    const answer = await fetch(`${this.sandbox.server.origin}/sandbox/log?limit=20000`);
    const { requests } = (await answer.json()) as { requests: { method: string; path: string }[] };
    return requests.filter(({ method, path }) => method === 'POST' && path === '/v1/responses').length;
  }

  /** The text of the last request to a model, as JSON. */
  async askedLast(): Promise<JsonObject> {
    const answer = await fetch(`${this.sandbox.server.origin}/sandbox/log?limit=20000`);
    const { requests } = (await answer.json()) as { requests: { path: string; body: string | null }[] };
    const last = requests.findLast(({ path, body }) => path === '/v1/responses' && body !== null);
    const { input } = JSON.parse(last?.body ?? '') as { input: { content: { text: string }[] }[] };
    return JSON.parse(input[0]?.content[0]?.text ?? '') as JsonObject;
  }

  async makings(): Promise<Making[]> {
    return this.db.database.query<Making>(
      `select *, round(extract(epoch from due_at - clock_timestamp()))::int as rest_seconds
       from glossary_makings order by tag, created_at`,
    );
  }

  async making(tag: string): Promise<Making> {
    const [row] = (await this.makings()).filter((making) => making.tag === tag);
    if (row === undefined) throw new Error(`nobody asked for ${tag}`);
    return row;
  }

  /** Lets time pass for the makings: leases and rests end, and days. */
  async pass(hours: number): Promise<void> {
    await this.db.database.execute(
      `update glossary_makings set due_at = due_at - make_interval(hours => $1),
         tries_since = tries_since - make_interval(hours => $1)`,
      [hours],
    );
  }

  job(languages: readonly string[], pinned: Partial<PinnedGlossaries> = {}): Promise<string> {
    return aJob(this.db.database, { languages, ...pinned });
  }

  async versionsOfJob(id: string): Promise<Record<string, string>> {
    const [row] = await this.db.database.query<{ glossaries: Record<string, string> }>(
      'select glossaries from batch_jobs where id = $1',
      [id],
    );
    return row?.glossaries ?? {};
  }

  /** Ends all processes. */
  async close(): Promise<void> {
    await Promise.all(this.replicas.map(({ module }) => module.close()));
    await this.sandbox.stop();
    await this.db.drop();
  }
}
