import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { setUpApi } from '../../src/api.setup.js';
import { APPLICATION_OPTIONS } from '../../src/app.setup.js';
import { AuthModule } from '../../src/auth/auth.module.js';
import { CommonModule } from '../../src/common/common.module.js';
import { ConfigModule } from '../../src/config/config.module.js';
import { loadConfig } from '../../src/config/load-config.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { PollingModule } from '../../src/polling/polling.module.js';
import { expectDocumented, type WireAnswer } from '../docs/answer-check.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { signatureHeaders } from '../support/signing.js';

/** Two clients with random secrets. */
const SECRETS = { acme: randomBytes(32).toString('hex'), beta: randomBytes(32).toString('hex') };
export type KeyId = keyof typeof SECRETS;

export function secretOf(keyId: KeyId): string {
  return SECRETS[keyId];
}

export interface RequestOptions {
  readonly method?: string;
  readonly keyId?: KeyId;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** The polling room with the real HTTP set-up, guard and database. */
export interface PollingApp {
  readonly app: NestExpressApplication;
  readonly db: TestDatabase;
  readonly origin: string;
  /** The headers that sign a request by scheme 1. */
  sign(path: string, options?: RequestOptions): Record<string, string>;
  /** A signed request. */
  send(path: string, options?: RequestOptions): Promise<Response>;
  /** A signed request's status and JSON. */
  json(path: string, options?: RequestOptions): Promise<{ status: number; body: Record<string, unknown> }>;
  close(): Promise<void>;
}

/** @param shared - the database of another such application, which drops it */
export async function startPollingApp(
  environment: Record<string, string> = {},
  shared?: TestDatabase,
): Promise<PollingApp> {
  const db = shared ?? (await createTestDatabase());
  const config = loadConfig({
    SHARED_KEYS: JSON.stringify(SECRETS),
    DATABASE_URL: db.url,
    ...environment,
  });
  const module = await Test.createTestingModule({
    imports: [
      ConfigModule.forRoot(config),
      CommonModule,
      DatabaseModule.forRoot(config, db.url),
      AuthModule,
      PollingModule,
    ],
  }).compile();
  const app = module.createNestApplication<NestExpressApplication>({ ...APPLICATION_OPTIONS, logger: ['fatal'] });
  setUpApi(app, config);
  await app.listen(0, '127.0.0.1');
  const origin = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  const sign = (path: string, { method, keyId = 'acme' }: RequestOptions = {}) => ({
    'X-Key-Id': keyId,
    ...signatureHeaders(SECRETS[keyId], { target: path, method }),
  });
  const send = async (path: string, options: RequestOptions = {}) => {
    const response = await fetch(origin + path, {
      method: options.method ?? 'GET',
      headers: { ...sign(path, options), ...options.headers },
      ...(options.signal !== undefined && { signal: options.signal }),
    });
    expectDocumented(wireAnswer(path, options, response));
    return response;
  };
  return {
    app,
    db,
    origin,
    sign,
    send,
    json: async (path, options) => {
      const response = await send(path, options);
      const text = await response.text();
      expectDocumented({ ...wireAnswer(path, options, response), text });
      return { status: response.status, body: JSON.parse(text) as Record<string, unknown> };
    },
    close: async () => {
      // The server's close would wait for a client's unused connection that never sent anything.
      app.getHttpServer().closeAllConnections();
      await app.close();
      if (shared === undefined) await db.drop();
    },
  };
}

function wireAnswer(path: string, options: RequestOptions | undefined, response: Response): WireAnswer {
  const contentType = response.headers.get('content-type');
  return { method: options?.method ?? 'GET', path, status: response.status, contentType };
}

/** Raises a job's version, as every change of the job does. */
export async function touch(db: TestDatabase, jobId: string, set = ''): Promise<void> {
  await db.database.execute(
    `update batch_jobs set version = version + 1, updated_at = now()${set === '' ? '' : `, ${set}`} where id = $1`,
    [jobId],
  );
}
