import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import type { LoggerService } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { APPLICATION_OPTIONS, closeApp } from '../../src/app.setup.js';
import { compose } from '../../src/compose.js';
import type { AppConfig } from '../../src/config/app-config.js';
import { loadConfig } from '../../src/config/load-config.js';
import { PhotoAveragesStore } from '../../src/jobs/photo-averages-store.js';
import type { JsonObject } from 'openai-sandbox';
import { expectDocumented } from '../docs/answer-check.js';
import { PhotoHost, TestSandbox, drawnCar, greyCard } from '../../packages/openai-sandbox/test/support.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { hmacHex, signatureHeaders } from './signing.js';

/** Two clients with random secrets. */
export const SECRETS = { acme: randomBytes(32).toString('hex'), beta: randomBytes(32).toString('hex') };
export type KeyId = keyof typeof SECRETS;

export const GENERATE = '/api/v1/generate-descriptions';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed body, `{}` when there was none. */
  readonly body: JsonObject;
}

export interface SendOptions {
  readonly method?: string;
  readonly keyId?: KeyId;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
  /** Unix seconds that the signature is made at; now by default. */
  readonly at?: number;
}

export interface ServiceOptions {
  /** Settings of the service on top of those that tests need. */
  readonly environment?: Record<string, string>;
  /** What is changed of its configuration besides. */
  readonly change?: (config: AppConfig) => AppConfig;
  readonly logger?: LoggerService;
  /** The sandbox and the photos of another service, as a restarted process finds them. */
  readonly beside?: TestService;
  /** Another address of the same database. */
  readonly databaseUrl?: (url: string) => string;
}

/** A call that reached the sandbox's POST /v1/responses. */
export interface ModelCall {
  readonly kind: 'vision' | 'translation';
  readonly body: JsonObject;
  readonly outcome: string;
  readonly status: number | null;
}

/** The whole service as main.ts starts it, on loopback, with its own database, its own sandbox and a host of photos. */
export class TestService {
  private constructor(
    readonly app: NestExpressApplication,
    private readonly config: AppConfig,
    readonly db: TestDatabase,
    readonly sandbox: TestSandbox,
    readonly photos: PhotoHost,
    /** Addresses of photos that are there. */
    readonly urls: { readonly car: string; readonly other: string; readonly third: string; readonly grey: string },
    private readonly owns: boolean,
  ) {}

  static async start({
    environment = {},
    change = (config) => config,
    logger,
    beside,
    databaseUrl,
  }: ServiceOptions = {}): Promise<TestService> {
    const sandbox = beside?.sandbox ?? (await TestSandbox.start({ SANDBOX_LOG_BODY_BYTES: '1000000' }));
    const photos = beside?.photos ?? (await PhotoHost.start());
    const db = beside?.db ?? (await createTestDatabase());
    const settings = loadConfig({
      SHARED_KEYS: JSON.stringify(SECRETS),
      DATABASE_URL: db.url,
      OPENAI_API_KEY: 'test',
      OPENAI_BASE_URL: sandbox.server.baseUrl,
      OUTBOUND_ALLOW: '127.0.0.1/32',
      // Tests of repeats and faults send more requests than a client may.
      RATE_LIMIT_SYNC: '100000',
      RATE_LIMIT_BATCH: '100000',
      // Retries come at once; their waits are tested in test/openai/.
      BASE_DELAY_SEC: '0.01',
      // The service's own files, without an embedded database.
      DATA_DIR: sandbox.stateDir,
      ...environment,
    });
    const config = change(settings);
    const { module, setUp } = await compose(config, (databaseUrl ?? throughPooler)(db.url));
    const options = { ...APPLICATION_OPTIONS, logger: logger ?? false } as const;
    const app = await NestFactory.create<NestExpressApplication>(module, options);
    setUp(app, config);
    await app.listen(0, '127.0.0.1');
    const urls = beside?.urls ?? {
      car: photos.serve('car.jpg', await drawnCar('#ff00aa')),
      other: photos.serve('other.jpg', await drawnCar('#00ffee', 150, 320)),
      third: photos.serve('third.jpg', await drawnCar('#9a5a20', 500, 250)),
      grey: photos.serve('grey.jpg', await greyCard()),
    };
    return new TestService(app, config, db, sandbox, photos, urls, beside === undefined);
  }

  get port(): number {
    return (this.app.getHttpServer().address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** A request that the service accepts. Each has its own lot_id, so that none repeats another. */
  request(change: JsonObject = {}, lot: JsonObject = {}): JsonObject {
    const lots = [{ lot_id: `lot-${randomBytes(6).toString('hex')}`, images: [{ url: this.urls.car }], ...lot }];
    return { version: '1.0.0', languages: ['en'], lots, ...change };
  }

  /** POST generate-descriptions, signed by scheme 1. A text or bytes are sent as they are. */
  generate(body: unknown, options: SendOptions = {}): Promise<Answer> {
    const bytes = Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
    const headers = { 'Content-Type': 'application/json', ...options.headers };
    return this.send(GENERATE, { ...options, method: 'POST', headers }, bytes);
  }

  /** Any request, signed by scheme 1. */
  async send(path: string, options: SendOptions = {}, body: Buffer | string = ''): Promise<Answer> {
    const { method = 'GET', headers = {}, signal } = options;
    return this.sendAsIs(path, method, { ...sign(path, body, options), ...headers }, body, signal);
  }

  /** A request with only these headers. */
  async sendAsIs(
    path: string,
    method: string,
    headers: Record<string, string>,
    body: Buffer | string = '',
    signal?: AbortSignal,
  ): Promise<Answer> {
    const response = await fetch(this.origin + path, {
      method,
      headers,
      ...(body.length > 0 && { body: typeof body === 'string' ? body : new Uint8Array(body) }),
      ...(signal !== undefined && { signal }),
    });
    const text = await response.text();
    const contentType = response.headers.get('content-type');
    expectDocumented({ method, path, status: response.status, contentType, text });
    const json = text.startsWith('{') ? (JSON.parse(text) as JsonObject) : {};
    return { status: response.status, headers: response.headers, body: json };
  }

  /** The job's status once it has changed or ended, by long poll. */
  async statusWhen(jobId: string, done: (body: JsonObject) => boolean): Promise<JsonObject> {
    let etag = '';
    for (;;) {
      const headers = { Prefer: 'wait=25', ...(etag === '' ? {} : { 'If-None-Match': etag }) };
      const answer = await this.send(`/api/v1/batch-status/${jobId}`, { headers });
      if (answer.status === 200 && done(answer.body)) return answer.body;
      if (answer.status !== 200 && answer.status !== 304) throw new Error(JSON.stringify(answer.body));
      etag = answer.headers.get('etag') ?? etag;
    }
  }

  /**
   * A photo that the model gets only once `release` is called, so that what a test does meanwhile takes as long as it takes. The
   * service's own check of it is answered at once.
   */
  async heldPhoto(): Promise<{ readonly url: string; readonly release: () => void }> {
    const name = `held-${randomBytes(6).toString('hex')}.jpg`;
    const release = this.photos.hold(name);
    return { url: this.photos.serve(name, await drawnCar()), release };
  }

  faults(...rules: JsonObject[]): Promise<void> {
    return this.sandbox.faults(...rules);
  }

  /** Forgets faults and calls. */
  async reset(): Promise<void> {
    await this.sandbox.call('DELETE', '/sandbox/faults');
    await this.sandbox.call('DELETE', '/sandbox/log');
  }

  /** The model calls so far, oldest first. */
  async calls(): Promise<ModelCall[]> {
    const { json } = await this.sandbox.call('GET', '/sandbox/log?path=/v1/responses');
    return (json['requests'] as JsonObject[]).map((entry) => {
      const text = (entry['body'] as string | null) ?? '{}';
      return {
        kind: text.includes('"input_image"') ? 'vision' : 'translation',
        body: JSON.parse(text) as JsonObject,
        outcome: entry['outcome'] as string,
        status: entry['status'] as number | null,
      };
    });
  }

  /** Such as `vision 2, translation 1`, so that a failing test shows all of it. */
  async callCounts(): Promise<{ vision: number; translation: number }> {
    const calls = await this.calls();
    const vision = calls.filter(({ kind }) => kind === 'vision').length;
    return { vision, translation: calls.length - vision };
  }

  /** Resolves when `done` is true for the sandbox's log, because no event shows what happens there. */
  async callsWhen(done: (calls: ModelCall[]) => boolean): Promise<ModelCall[]> {
    for (;;) {
      const calls = await this.calls();
      if (done(calls)) return calls;
    }
  }

  /**
   * The number of rows in every table that a request could write to; without the usage of keys, whose rows a cron adds up at any moment,
   * and without glossaries, which are made beside requests.
   */
  async rowCounts(): Promise<Record<string, number>> {
    // Written beside the request whose photos were seen.
    await this.app.get(PhotoAveragesStore, { strict: false }).flush();
    const tables = await this.db.database.query<{ name: string }>(
      `select table_name as name from information_schema.tables
       where table_schema = 'public' and table_type = 'BASE TABLE'
         and table_name not in ('migrations', 'workers', 'key_usage', 'key_usage_entries', 'glossary_versions',
           'glossary_makings')
       order by 1`,
    );
    const counts: Record<string, number> = {};
    for (const { name } of tables) {
      const [row] = await this.db.database.query<{ n: string }>(`select count(*) as n from "${name}"`);
      counts[name] = Number(row?.n);
    }
    return counts;
  }

  async job(jobId: string): Promise<JsonObject> {
    const [row] = await this.db.database.query<JsonObject>('select * from batch_jobs where id = $1', [jobId]);
    if (row === undefined) throw new Error(`there is no job ${jobId}`);
    return row;
  }

  /** The job of a lot, for when no answer has told its id. */
  async jobOfLot(body: JsonObject): Promise<JsonObject | undefined> {
    const [row] = await this.db.database.query<JsonObject>(
      'select j.* from batch_jobs j join batch_lots l on l.job_id = j.id where l.lot_id = $1 order by j.id desc limit 1',
      [lotOf(body)['lot_id']],
    );
    return row;
  }

  async stop(): Promise<void> {
    await closeApp(this.app, this.config);
    if (!this.owns) return;
    await this.sandbox.stop();
    await this.photos.stop();
    await this.db.drop();
  }
}

/** The database by way of the pooler of TEST_POOLER_URL, if there is one (`npm run prove:pgbouncer`). */
function throughPooler(databaseUrl: string): string {
  const pooler = process.env['TEST_POOLER_URL'];
  if (pooler === undefined) return databaseUrl;
  const url = new URL(pooler);
  url.pathname = new URL(databaseUrl).pathname;
  return url.href;
}

/** The only lot of a request or of an answer. */
export function lotOf(body: JsonObject): JsonObject {
  return (body['lots'] as JsonObject[])[0] as JsonObject;
}

/** The headers that sign a request of one of the two clients by scheme 1. */
export function sign(path: string, body: Buffer | string, options: SendOptions = {}): Record<string, string> {
  const { method, keyId = 'acme', at } = options;
  return { 'X-Key-Id': keyId, ...signatureHeaders(SECRETS[keyId], { target: path, method, body, at }) };
}

export function hmac(message: Buffer | string, keyId: KeyId = 'acme'): string {
  return hmacHex(SECRETS[keyId], message);
}
