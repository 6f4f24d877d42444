import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { OpenAPIObject } from '@nestjs/swagger';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../src/common/service-error.js';
import { compose } from '../../src/compose.js';
import { loadConfig } from '../../src/config/load-config.js';
import { forBrowser, openApiDocument, setUpDocs } from '../../src/docs/docs.setup.js';
import { ERROR_EXAMPLES } from '../../src/generation/generate-descriptions.examples.js';
import { committed, schemaProblems } from './schema-check.js';

// Preview mode builds no providers, so no database is needed: routes, decorators and the pages are real.
let app: NestExpressApplication;
let server: Server;
let origin: string;
let document: OpenAPIObject;

const config = loadConfig({ SHARED_KEY: 'k'.repeat(32), DATABASE_URL: 'postgres://unused/unused' });

beforeAll(async () => {
  const { module } = await compose(config, config.database.url);
  app = await NestFactory.create<NestExpressApplication>(module, { preview: true, logger: false });
  setUpDocs(app);
  server = createServer(app.getHttpAdapter().getInstance() as RequestListener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  document = openApiDocument(app);
});

afterAll(async () => {
  server.close();
  await once(server, 'close');
});

describe('the OpenAPI document', () => {
  it('the OpenAPI document names every route with a summary, and signing exactly where it is needed', () => {
    for (const [path, item] of Object.entries(document.paths)) {
      for (const operation of [item.get, item.post].filter((found) => found !== undefined)) {
        expect(operation.summary, path).toBeTruthy();
        expect(operation.security, path).toEqual(path.startsWith('/api/') ? undefined : []);
      }
    }
    expect(document.security).toContainEqual({ signature: [], timestamp: [] });
  });

  it('the OpenAPI document describes every operation, member and parameter, and names operations by plain words', () => {
    const undescribed: string[] = [];
    const ids: string[] = [];
    for (const [path, item] of Object.entries(committed.paths)) {
      for (const operation of [item.get, item.post].filter((found) => found !== undefined)) {
        ids.push(operation.operationId ?? '');
        if (!operation.description) undescribed.push(path);
        for (const parameter of operation.parameters ?? []) {
          if (!('description' in parameter)) undescribed.push(`${path} ${JSON.stringify(parameter)}`);
        }
        for (const [status, response] of Object.entries(operation.responses)) {
          if (response === undefined || !('description' in response) || response.description === '') {
            undescribed.push(`${path} ${status}`);
          }
        }
      }
    }
    for (const [name, schema] of Object.entries(committed.components?.schemas ?? {})) {
      for (const [member, value] of Object.entries(('properties' in schema && schema.properties) || {})) {
        if (!('description' in value)) undescribed.push(`${name}.${member}`);
      }
    }
    expect(undescribed).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z]+([A-Z][a-z]+)+$/);
  });

  it('the OpenAPI document says of a request what is taken', () => {
    const schema = { $ref: '#/components/schemas/GenerateDescriptionsRequestDto' };
    const request = (change: object, lot: object = {}) => ({
      version: '1.0.0',
      languages: ['en'],
      lots: [{ lot_id: 'a', images: [], ...lot }],
      ...change,
    });
    const taken = [
      request({}, { lot_id: 42, images: ['https://cdn.example.com/1.jpg', { url: 'https://cdn.example.com/2.jpg' }] }),
      request({ webhook_url: '', mode: null, include: null, metadata: null, max_cost_usd: null, webhook_events: [] }),
      request({ unknown: 1 }, { additional_info: null, webhook: null, unknown: 1 }),
      request({ languages: ['pt-BR', 'zh-Hant', 'EN'], signature: `sha256=${'0'.repeat(64)}`, metadata: { a: 'b' } }),
    ];
    for (const body of taken) expect(schemaProblems(schema, body)).toEqual([]);
    const refused = [
      request({ version: '2' }),
      request({ languages: [] }),
      request({ languages: Array.from({ length: 11 }, () => 'en') }),
      request({ lots: [] }),
      request({ max_cost_usd: 0 }),
      request({ include: ['all'] }),
      request({ metadata: { a: 1 } }),
      request({ metadata: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`m${index}`, ''])) }),
      request({}, { lot_id: '' }),
      request({}, { lot_id: 'x'.repeat(101) }),
      request({}, { lot_id: 1.5 }),
      request({}, { images: [{}] }),
      request({}, { images: Array.from({ length: 101 }, () => 'https://cdn.example.com/1.jpg') }),
      request({}, { additional_info: 'x'.repeat(4001) }),
    ];
    for (const body of refused) expect(schemaProblems(schema, body)).not.toEqual([]);
    const { requestBody } = committed.paths['/api/v1/generate-descriptions']?.post ?? {};
    expect(Object.keys((requestBody as { content: object }).content)).toEqual([
      'application/json',
      'application/x-ndjson',
    ]);
  });

  it('the OpenAPI document gives an example of every code that POST generate-descriptions may refuse with', () => {
    const responses = document.paths['/api/v1/generate-descriptions']?.post?.responses as Record<
      string,
      { content?: { 'application/json'?: { examples?: Record<string, { value: Record<string, unknown> }> } } }
    >;
    for (const code of Object.keys(ERROR_EXAMPLES) as ErrorCode[]) {
      const { status, error } = ERROR_CODES[code];
      const example = responses[String(status)]?.content?.['application/json']?.examples?.[code];
      expect(example?.value, code).toMatchObject({ code, error });
    }
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['200', '201', '202']));
  });

  it('the OpenAPI document has no list that is a string: generated clients would send it twice for two values', () => {
    const strings = [...JSON.stringify(document).matchAll(/"type":"string"[^{}]*"items":/g)];
    expect(strings.map(([text]) => text)).toEqual([]);
  });

  it('the OpenAPI document tells generated clients of the real headers, and the page alone of the secret', () => {
    expect(JSON.stringify(document)).not.toContain('X-Signing-Secret');
    // One box: Swagger UI puts the cursor into the last, and what is pasted there goes out under its header's name.
    expect(Object.values(forBrowser(document).components?.securitySchemes ?? {})).toMatchObject([
      { in: 'header', name: 'X-Signing-Secret' },
    ]);
    expect(forBrowser(document).security).toEqual([{ secret: [] }]);
  });
});

describe('the pages', () => {
  it('the pages serve the document as JSON', async () => {
    const answer = await fetch(`${origin}/openapi.json`);
    expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(document)));
  });

  it('the pages load everything from here, under a policy that lets in no inline script', async () => {
    const answer = await fetch(`${origin}/docs`);
    const html = await answer.text();
    expect(answer.headers.get('content-security-policy')).toContain("script-src 'self';");
    const sources = [...html.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)];
    expect(sources.length).toBeGreaterThan(3);
    for (const [, attributes, content] of sources) {
      expect(attributes).toMatch(/src=['"](\.|\/)[^'"]*['"]/);
      expect(content?.trim()).toBe('');
    }
    for (const [, path] of html.matchAll(/(?:src|href)=['"]([^'"#]+)['"]/g)) {
      const asset = await fetch(new URL(path as string, `${origin}/docs`));
      expect(asset.status, path).toBe(200);
    }
  });

  it('the pages sign in the page, keep no secret and call no validator', async () => {
    const init = await (await fetch(`${origin}/docs/swagger-ui-init.js`)).text();
    expect(init).toMatch(/"requestInterceptor": .*signRequest\(request\)/);
    expect(init).toMatch(/"plugins": \[\s*\(\) => .*maskSecret\(\)/);
    expect(init).not.toContain('/home-assets/');
    expect(init).toContain('"persistAuthorization": false');
    expect(init).toContain('"validatorUrl": null');
  });
});

describe('where the sandbox runs and may fetch from this machine', () => {
  it('the examples name photos that are served here where the sandbox may fetch from this machine', async () => {
    const { module, setUp } = await compose(config, config.database.url);
    const sandboxed = await NestFactory.create<NestExpressApplication>(module, { preview: true, logger: false });
    setUp(sandboxed, {
      ...config,
      openai: { ...config.openai, upstream: 'sandbox' },
      outbound: { ...config.outbound, allow: ['127.0.0.0/8'] },
    });
    const listening = createServer(sandboxed.getHttpAdapter().getInstance() as RequestListener).listen(0, '127.0.0.1');
    await once(listening, 'listening');
    const here = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
    const init = await (await fetch(`${here}/docs/swagger-ui-init.js`)).text();
    expect(init).not.toMatch(/"url": "https:\/\/cdn\.example\.com/);
    const named = [...init.matchAll(/"url": "(http:[^"]+)"/g)].map(([, url]) => url as string);
    expect(named.slice(0, 2)).toEqual([
      `${here}/home-assets/cars/blue/left.jpg`,
      `${here}/home-assets/cars/blue/right.jpg`,
    ]);
    const photos = await Promise.all(named.slice(0, 2).map(async (url) => (await fetch(url)).arrayBuffer()));
    for (const photo of photos) expect((await sharp(Buffer.from(photo)).metadata()).format).toBe('jpeg');
    // The document for machines is one and the same wherever the service runs.
    expect(await (await fetch(`${here}/openapi.json`)).json()).toEqual(JSON.parse(JSON.stringify(document)));
    listening.closeAllConnections();
    listening.close();
  });
});
