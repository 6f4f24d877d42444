import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { OpenAPIObject } from '@nestjs/swagger';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppModule } from '../../src/app.module.js';
import { setUpApp } from '../../src/app.setup.js';
import { ERROR_CODES, type ErrorCode } from '../../src/common/service-error.js';
import { loadConfig } from '../../src/config/load-config.js';
import { forBrowser, openApiDocument, setUpDocs } from '../../src/docs/docs.setup.js';
import { ERROR_EXAMPLES } from '../../src/generation/generate-descriptions.examples.js';

// Preview mode builds no providers, so no database is needed: routes, decorators and the pages are real.
let app: NestExpressApplication;
let server: Server;
let origin: string;
let document: OpenAPIObject;

const config = loadConfig({ SHARED_KEY: 'k'.repeat(32), DATABASE_URL: 'postgres://unused/unused' });

beforeAll(async () => {
  app = await NestFactory.create<NestExpressApplication>(AppModule.forRoot(config, config.database.url), {
    preview: true,
    logger: false,
  });
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
  it('names every route with a summary, and signing exactly where it is needed', () => {
    for (const [path, item] of Object.entries(document.paths)) {
      for (const operation of [item.get, item.post].filter((found) => found !== undefined)) {
        expect(operation.summary, path).toBeTruthy();
        expect(operation.security, path).toEqual(path.startsWith('/api/') ? undefined : []);
      }
    }
    expect(document.security).toContainEqual({ signature: [], timestamp: [] });
  });

  it('gives an example of every code that POST generate-descriptions may refuse with', () => {
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

  it('tells generated clients of the real headers, and the page alone of the secret', () => {
    expect(JSON.stringify(document)).not.toContain('X-Signing-Secret');
    // One box: Swagger UI puts the cursor into the last, and what is pasted there goes out under its header's name.
    expect(Object.values(forBrowser(document).components?.securitySchemes ?? {})).toMatchObject([
      { in: 'header', name: 'X-Signing-Secret' },
    ]);
    expect(forBrowser(document).security).toEqual([{ secret: [] }]);
  });
});

describe('the pages', () => {
  it('serve the document as JSON', async () => {
    const answer = await fetch(`${origin}/openapi.json`);
    expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(document)));
  });

  it('load everything from here, under a policy that lets in no inline script', async () => {
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

  it('sign in the page, keep no secret and call no validator', async () => {
    const init = await (await fetch(`${origin}/docs/swagger-ui-init.js`)).text();
    expect(init).toMatch(/"requestInterceptor": .*signRequest\(request\)/);
    expect(init).toMatch(/"plugins": \[\s*\(\) => .*maskSecret\(\)/);
    expect(init).not.toContain('sample-left.jpg');
    expect(init).toContain('"persistAuthorization": false');
    expect(init).toContain('"validatorUrl": null');
  });
});

describe('where the sandbox runs and may fetch from this machine', () => {
  it('the examples name photos that are served here', async () => {
    const sandboxed = await NestFactory.create<NestExpressApplication>(AppModule.forRoot(config, config.database.url), {
      preview: true,
      logger: false,
    });
    setUpApp(sandboxed, {
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
    expect(named.slice(0, 2)).toEqual([`${here}/docs-assets/sample-left.jpg`, `${here}/docs-assets/sample-right.jpg`]);
    const photos = await Promise.all(named.slice(0, 2).map(async (url) => (await fetch(url)).arrayBuffer()));
    for (const photo of photos) expect((await sharp(Buffer.from(photo)).metadata()).format).toBe('jpeg');
    // The document for machines is one and the same wherever the service runs.
    expect(await (await fetch(`${here}/openapi.json`)).json()).toEqual(JSON.parse(JSON.stringify(document)));
    listening.closeAllConnections();
    listening.close();
  });
});
