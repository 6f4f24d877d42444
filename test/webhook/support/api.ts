import type { AddressInfo } from 'node:net';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { setUpApi } from '../../../src/api.setup.js';
import { APPLICATION_OPTIONS } from '../../../src/app.setup.js';
import { AuthModule } from '../../../src/auth/auth.module.js';
import { Clock } from '../../../src/common/clock.js';
import { CommonModule } from '../../../src/common/common.module.js';
import { ConfigModule } from '../../../src/config/config.module.js';
import { loadConfig } from '../../../src/config/load-config.js';
import { DatabaseModule } from '../../../src/database/database.module.js';
import { WebhookApiModule } from '../../../src/webhook/webhook-api.module.js';
import { expectDocumented } from '../../docs/answer-check.js';
import type { FakeClock } from '../../support/fake-clock.js';
import { signatureHeaders } from '../../support/signing.js';
import { SECRET } from './seed.js';

export const OTHER_SECRET = 'another-shared-key-0123456789abcdef01';

interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  // The members depend on the request; each test knows those that it expects.
  readonly body: Record<string, never>;
}

interface ApiCall {
  readonly body?: unknown;
  readonly secret?: string;
  readonly idempotencyKey?: string;
  /** Seconds added to the timestamp, so that the same request gets another signature. */
  readonly later?: number;
}

/** The HTTP part of webhook/ over real HTTP: its part of an api process, which sends no webhooks. */
export interface Api {
  call(method: 'GET' | 'POST', target: string, call?: ApiCall): Promise<ApiAnswer>;
  close(): Promise<void>;
}

export async function startApi(databaseUrl: string, clock: FakeClock, allow = '127.0.0.1'): Promise<Api> {
  const config = loadConfig({
    SHARED_KEYS: JSON.stringify({ default: SECRET, beta: OTHER_SECRET }),
    OUTBOUND_ALLOW: allow,
    DATABASE_URL: databaseUrl,
    WEBHOOK_TIMEOUT: '2',
    OPENAI_API_KEY: 'unused',
  });
  const module = await Test.createTestingModule({
    imports: [
      ConfigModule.forRoot(config),
      CommonModule,
      DatabaseModule.forRoot(config, databaseUrl),
      AuthModule,
      WebhookApiModule,
    ],
  })
    .overrideProvider(Clock)
    .useValue(clock)
    .compile();
  const app = module.createNestApplication<NestExpressApplication>({ ...APPLICATION_OPTIONS, logger: ['error'] });
  setUpApi(app, config);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return {
    call: async (method, target, { body, secret = SECRET, idempotencyKey, later = 0 } = {}) => {
      const text = body === undefined ? '' : JSON.stringify(body);
      const at = Math.floor(clock.now() / 1000) + later;
      const response = await fetch(`http://127.0.0.1:${port}${target}`, {
        method,
        headers: {
          'content-type': 'application/json',
          ...signatureHeaders(secret, { method, target, body: text, at }),
          ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        },
        ...(text === '' ? {} : { body: text }),
      });
      const answer = await response.text();
      const contentType = response.headers.get('content-type');
      expectDocumented({ method, path: target, status: response.status, contentType, text: answer });
      return { status: response.status, headers: response.headers, body: JSON.parse(answer) as ApiAnswer['body'] };
    },
    close: () => app.close(),
  };
}
