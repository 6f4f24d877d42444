import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { INestApplication } from '@nestjs/common';

/** The OpenAPI document, as /openapi.json serves it and as the committed openapi.json holds it. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Generation Service')
    .setDescription('Finds damage in the photos of car lots and describes it as HTML in many languages.')
    .setVersion('1.0.0')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-Signature' }, 'signature')
    .build();
  return SwaggerModule.createDocument(app, config);
}

/** Serves /docs and /openapi.json. */
export function setUpDocs(app: NestExpressApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), { jsonDocumentUrl: 'openapi.json' });
}
