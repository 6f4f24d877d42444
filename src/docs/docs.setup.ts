import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { NextFunction, Request, Response } from 'express';
import { ErrorDto } from '../common/error.dto.js';
import { completeOperations } from './common-answers.js';
import { documentHead, FIRST_LINE, SCHEMES_IN_BROWSER } from './document-head.js';
import { refineSchemas } from './refine-schemas.js';
import { withSamplePhotos } from './sample-photos.js';

/** What the page loads besides Swagger UI, from `browser/`. */
const SCRIPTS = ['sign.js', 'viewport.js'];

/** No content from other hosts and no inline script. Swagger UI only needs its own style elements and data: images. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What sign.js adds to the page. */
interface SigningPage {
  signRequest(request: object): Promise<object>;
  maskSecret(): object;
}

export interface DocsOptions {
  /** Whether the examples may use the home page's sample photos: when the sandbox runs and may fetch from loopback. */
  readonly samplePhotos?: boolean;
}

/** The OpenAPI document, as /openapi.json serves it and as the committed openapi.json holds it. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  return refineSchemas(
    completeOperations(SwaggerModule.createDocument(app, documentHead(), { extraModels: [ErrorDto] })),
  );
}

/**
 * Serves /docs (Swagger UI, everything from node_modules and signing by itself) and /openapi.json. The two differ in
 * one thing: the page asks for the secret and signs with it in the browser, while the document names the headers that
 * are really sent. Otherwise a client generated from it would send its secret.
 */
export function setUpDocs(app: NestExpressApplication, { samplePhotos = false }: DocsOptions = {}): void {
  const http = app.getHttpAdapter().getInstance();
  let document: OpenAPIObject | undefined;
  const built = () => (document ??= openApiDocument(app));
  http.get('/openapi.json', (_request: Request, response: Response) => response.json(built()));
  for (const name of SCRIPTS) {
    const script = readFileSync(join(import.meta.dirname, 'browser', name), 'utf8');
    http.get(`/docs-assets/${name}`, (_request: Request, response: Response) =>
      response.type('text/javascript').send(script),
    );
  }
  app.use('/docs', (_request: Request, response: Response, next: NextFunction) => {
    response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    next();
  });
  SwaggerModule.setup('docs', app, () => forBrowser(built()), {
    raw: false,
    customSiteTitle: 'Generation Service API',
    customJs: SCRIPTS.map((name) => `/docs-assets/${name}`),
    ...(samplePhotos && { patchDocumentOnRequest }),
    swaggerOptions: {
      // These two functions are written into the page as source text, so they must not use anything outside of
      // themselves; sign.js is loaded before they are called.
      requestInterceptor: (request: object) => (globalThis as unknown as SigningPage).signRequest(request),
      plugins: [() => (globalThis as unknown as SigningPage).maskSecret()],
      // A secret must not be stored in localStorage.
      persistAuthorization: false,
      // Without this Swagger UI sends the document's address to validator.swagger.io.
      validatorUrl: null,
      displayRequestDuration: true,
      docExpansion: 'list',
      defaultModelsExpandDepth: 0,
      tagsSorter: 'none',
    },
  });
}

/** The page's document with sample photos that exist, at an address of this process. */
function patchDocumentOnRequest(request: unknown, _response: unknown, document: OpenAPIObject): OpenAPIObject {
  return withSamplePhotos(document, `http://127.0.0.1:${(request as Request).socket.localPort}`);
}

/** The document that asks for the secret, and says where, instead of the headers that are made from it. */
export function forBrowser(document: OpenAPIObject): OpenAPIObject {
  const { schemes, security } = SCHEMES_IN_BROWSER;
  const info = { ...document.info, description: `${FIRST_LINE}\n\n${document.info.description ?? ''}` };
  return { ...document, info, security, components: { ...document.components, securitySchemes: schemes } };
}
