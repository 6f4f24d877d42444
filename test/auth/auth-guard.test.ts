import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { Controller, Get, Post, Req, Res } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import type { Request, Response } from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SignedBy } from '../../src/auth/auth.guard.js';
import { AuthModule } from '../../src/auth/auth.module.js';
import { callerOf, signedCallerOf } from '../../src/auth/caller.js';
import { RateLimits } from '../../src/auth/rate-limits.js';
import { hmacHex, signJobId } from '../../src/auth/signatures.js';
import { Clock } from '../../src/common/clock.js';
import { CommonModule } from '../../src/common/common.module.js';
import { ConfigModule } from '../../src/config/config.module.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { sendRaw } from '../generation/http-support.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { authConfig, heldClock, SECRETS, signedHeaders } from './auth-support.js';

const JOB_ID = '0190163d-8694-739b-aea5-966c26f8ad90';
const JSON_TYPE = ['Content-Type', 'application/json'];

@Controller()
class GuardedController {
  constructor(private readonly limits: RateLimits) {}

  @Get('status/:job_id')
  @SignedBy({ legacy: 'job-id', legacyUnsignedRead: true, limit: 'polling' })
  status(@Req() request: Request) {
    return callerOf(request);
  }

  @Get('unchanged/:job_id')
  @SignedBy({ legacy: 'job-id', limit: 'polling' })
  async unchanged(@Res() response: Response) {
    await this.limits.refund(response);
    response.status(304).end();
  }

  @Post('cancel/:job_id')
  @SignedBy({ legacy: 'job-id', limit: 'polling' })
  cancel(@Req() request: Request) {
    return { ...signedCallerOf(request), body: (request.body as unknown) ?? 'none' };
  }

  @Get('list')
  @SignedBy({ legacy: 'list', limit: 'polling' })
  list(@Req() request: Request) {
    return callerOf(request);
  }

  @Post('ping')
  @SignedBy({ legacy: 'none', limit: 'none' })
  ping(@Req() request: Request) {
    return { body: (request.body as unknown) ?? 'none' };
  }

  @Get('open')
  open(@Req() request: Request) {
    return callerOf(request);
  }
}

async function start(environment: Record<string, string>): Promise<NestExpressApplication> {
  const config = authConfig({ RATE_LIMIT_POLLING: '500', ...environment });
  const module = await Test.createTestingModule({
    imports: [ConfigModule.forRoot(config), CommonModule, DatabaseModule.forRoot(config, db.url), AuthModule],
    controllers: [GuardedController],
  })
    .overrideProvider(Clock)
    .useValue(heldClock())
    .compile();
  const app = module.createNestApplication<NestExpressApplication>({ bodyParser: false, logger: false });
  await app.listen(0, '127.0.0.1');
  return app;
}

let db: TestDatabase;
let app: NestExpressApplication;
let legacy: NestExpressApplication;
beforeAll(async () => {
  db = await createTestDatabase();
  app = await start({});
  legacy = await start({ LEGACY_UNSIGNED_READS: 'true', RATE_LIMIT_POLLING: '3' });
});
afterAll(async () => {
  await Promise.all([app.close(), legacy.close()]);
  await db.drop();
});

/** @param headers - names and values in turn, sent unchanged */
function send(method: string, target: string, headers: string[], body: Buffer | string = '', to = app) {
  const lines = [`${method} ${target} HTTP/1.1`, 'Host: h'];
  for (let index = 0; index < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`);
  if (body.length > 0) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return sendRaw((to.getHttpServer().address() as AddressInfo).port, lines, body);
}

/** Sends the request correctly signed by scheme 1. */
function sendSigned(
  method: string,
  target: string,
  headers: string[] = [],
  body: Buffer | string = '',
  sent: Buffer | string = body,
) {
  return send(method, target, [...signedHeaders({ method, target }, body), ...headers], sent);
}

describe('guarded routes', () => {
  it('guarded routes open to scheme 1, by method, path and query', async () => {
    expect(await sendSigned('GET', `/status/${JOB_ID}?a=%2B`)).toMatchObject({
      status: 200,
      json: { keyId: 'acme', scheme: 1 },
    });
    const other = signedHeaders({ method: 'GET', target: `/status/${JOB_ID}` });
    expect(await send('GET', `/status/${JOB_ID}?a=1`, other)).toMatchObject({
      status: 403,
      json: { code: 'INVALID_SIGNATURE' },
    });
    expect(await send('POST', `/cancel/${JOB_ID}`, other)).toMatchObject({ status: 403 });
  });

  it('guarded routes open to the job id, and to the path with query, as each declares', async () => {
    const job = ['X-Signature', signJobId(SECRETS.betaOld, JOB_ID)];
    expect(await send('GET', `/status/${JOB_ID}`, job)).toMatchObject({
      status: 200,
      json: { keyId: 'beta', scheme: 2 },
    });
    expect(await send('POST', `/cancel/${JOB_ID}`, job)).toMatchObject({
      status: 201,
      json: { keyId: 'beta', body: 'none' },
    });
    const list = ['X-Signature', hmacHex(SECRETS.acme, '/list?status=completed')];
    expect(await send('GET', '/list?status=completed', list)).toMatchObject({ status: 200, json: { keyId: 'acme' } });
    expect(await send('GET', '/list?status=failed', list)).toMatchObject({ status: 403 });
    expect(await send('POST', '/ping', ['X-Signature', hmacHex(SECRETS.acme, '/ping')])).toMatchObject({ status: 403 });
  });

  it('guarded routes refuse a header that is sent twice, even with the same value', async () => {
    const headers = signedHeaders({ method: 'GET', target: '/list' });
    for (const doubled of [headers.slice(0, 2), headers.slice(2)]) {
      const answer = await send('GET', '/list', [...headers, ...doubled]);
      expect(answer).toMatchObject({ status: 403, json: { code: 'INVALID_SIGNATURE' } });
    }
    expect(await send('GET', '/list', [...headers, 'X-Key-Id', 'acme', 'x-key-id', 'acme'])).toMatchObject({
      status: 403,
    });
    expect(await send('GET', '/list', [])).toMatchObject({ status: 401, json: { code: 'MISSING_SIGNATURE' } });
  });

  it('guarded routes verify and hand over a body, compressed or not', async () => {
    const body = '{"url":"https://e.test/лот"}';
    const expected = { status: 201, json: { body: JSON.parse(body) as unknown } };
    expect(await sendSigned('POST', '/ping', JSON_TYPE, body)).toMatchObject(expected);
    expect(await sendSigned('POST', '/ping', JSON_TYPE, `\ufeff${body}`)).toMatchObject(expected);
    const gzip = [...JSON_TYPE, 'Content-Encoding', 'gzip'];
    expect(await sendSigned('POST', '/ping', gzip, body, gzipSync(body))).toMatchObject(expected);
    expect(await sendSigned('POST', '/ping', JSON_TYPE, body, body.replace('лот', 'кот'))).toMatchObject({
      status: 403,
    });
  });

  it('guarded routes do not mind the type of an empty body', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json']) {
      const answer = await sendSigned('POST', `/cancel/${JOB_ID}`, ['Content-Type', type, 'Content-Length', '0']);
      expect(answer).toMatchObject({ status: 201, json: { body: 'none' } });
    }
  });

  const deep = `${'['.repeat(33)}${']'.repeat(33)}`;
  it.each([
    ['another type', ['Content-Type', 'text/plain'], '{}', '{}', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['another encoding', [...JSON_TYPE, 'Content-Encoding', 'deflate'], '{}', '{}', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['more than 64 KiB', JSON_TYPE, `"${'x'.repeat(65_536)}"`, undefined, 413, 'BODY_TOO_LARGE'],
    [
      'a bomb',
      [...JSON_TYPE, 'Content-Encoding', 'gzip'],
      '',
      gzipSync(Buffer.alloc(9_000_000)),
      413,
      'BODY_TOO_LARGE',
    ],
    ['no JSON', JSON_TYPE, '{', undefined, 400, 'INVALID_JSON'],
    ['33 levels', JSON_TYPE, deep, undefined, 400, 'INVALID_JSON'],
    ['a repeated key', JSON_TYPE, '{"a":1,"\\u0061":2}', undefined, 400, 'INVALID_JSON'],
    ['NaN', JSON_TYPE, '[NaN]', undefined, 400, 'INVALID_JSON'],
    ['an integer of 4,301 digits', JSON_TYPE, `[${'1'.repeat(4301)}]`, undefined, 400, 'INVALID_JSON'],
    ['invalid UTF-8', JSON_TYPE, Buffer.from([0x22, 0xff, 0x22]), undefined, 400, 'INVALID_JSON'],
    ['broken gzip', [...JSON_TYPE, 'Content-Encoding', 'gzip'], '', 'gzip', 400, 'INVALID_JSON'],
  ])('guarded routes refuse a body of %s', async (_name, headers, body, sent, status, code) => {
    expect(await sendSigned('POST', '/ping', headers, body, sent ?? body)).toMatchObject({ status, json: { code } });
  });

  it('guarded routes count what is proven, and nothing else; a 304 is free', async () => {
    const before = await sendSigned('GET', '/list');
    const remaining = () =>
      sendSigned('GET', '/list').then(({ headers }) => Number(/x-ratelimit-remaining: (\d+)/.exec(headers)?.[1]));
    expect(before.headers).toMatch(/ratelimit: "polling";r=\d+;t=\d+/);
    const first = await remaining();
    expect((await send('GET', '/list', ['X-Signature', '0'.repeat(64)])).headers).not.toContain('ratelimit');
    const unchanged = await sendSigned('GET', `/unchanged/${JOB_ID}`);
    expect(unchanged.status).toBe(304);
    expect(unchanged.headers).not.toContain('ratelimit');
    expect(await remaining()).toBe(first - 1);
  });

  it('guarded routes tell a handler without the guard that it lacks one', async () => {
    expect(await send('GET', '/open', [])).toMatchObject({ status: 500, json: { code: 'INTERNAL_ERROR' } });
  });
});

describe('LEGACY_UNSIGNED_READS', () => {
  it('LEGACY_UNSIGNED_READS opens the declared routes to anybody, each address within its limit', async () => {
    const target = `/status/${JOB_ID}`;
    const expected = { status: 200, json: { scheme: 'unsigned' } };
    expect(await send('GET', target, [], '', legacy)).toMatchObject(expected);
    expect(await send('GET', target, ['X-Signature', hmacHex(SECRETS.acme, '')], '', legacy)).toMatchObject(expected);
    expect(await send('GET', '/list', [], '', legacy)).toMatchObject({ status: 401 });
    expect(await send('POST', `/cancel/${JOB_ID}`, [], '', legacy)).toMatchObject({ status: 401 });
    expect(await send('GET', target, [], '', legacy)).toMatchObject(expected);
    const answer = await send('GET', target, [], '', legacy);
    expect(answer).toMatchObject({ status: 429, json: { code: 'RATE_LIMITED' } });
    expect(answer.headers).toMatch(/retry-after: \d+/);
  });

  it('LEGACY_UNSIGNED_READS is off by default', async () => {
    expect(await send('GET', `/status/${JOB_ID}`, [])).toMatchObject({ status: 401 });
  });
});
