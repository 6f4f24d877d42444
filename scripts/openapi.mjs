// Writes openapi.json from the built service (the Swagger plugin runs in `nest build` only); --check compares instead.
import { readFileSync, writeFileSync } from 'node:fs';
import { NestFactory } from '@nestjs/core';
import { compose } from '../dist/compose.js';
import { loadConfig } from '../dist/config/load-config.js';
import { openApiDocument } from '../dist/docs/docs.setup.js';

const config = loadConfig({
  SHARED_KEY: 'only-to-write-the-document-0123456789',
  DATABASE_URL: 'postgres://unused/unused',
});
// Preview mode builds no providers, so no database is needed.
const { module } = await compose(config, config.database.url);
const app = await NestFactory.create(module, { preview: true, logger: false });
const text = `${JSON.stringify(openApiDocument(app), null, 2)}\n`;
const file = new URL('../openapi.json', import.meta.url);
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== text) {
    console.error('openapi.json is not what the code says; run: npm run openapi');
    process.exit(1);
  }
  console.log('openapi.json is current');
} else {
  writeFileSync(file, text);
  console.log('openapi.json written');
}
process.exit(0);
