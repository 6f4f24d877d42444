import { Test } from '@nestjs/testing';
import { expect, it, onTestFinished } from 'vitest';
import { CommonModule } from '../../src/common/common.module.js';
import { loadConfig } from '../../src/config/load-config.js';
import { ConfigModule } from '../../src/config/config.module.js';
import { ConfigError } from '../../src/config/setting-reader.js';
import { ImagesModule } from '../../src/images/images.module.js';
import { PhotoChecker } from '../../src/images/photo-checker.js';
import { serveHttp } from '../outbound/loopback.js';

const build = (allow: string) => {
  const config = loadConfig({ SHARED_KEY: 'k'.repeat(32), OUTBOUND_ALLOW: allow });
  return Test.createTestingModule({ imports: [ConfigModule.forRoot(config), CommonModule, ImagesModule] }).compile();
};

it('the images module needs only the settings, and its connections end with the application', async () => {
  const server = await serveHttp((_request, response) =>
    response.writeHead(200, { 'content-type': 'image/png' }).end(),
  );
  const module = await build('127.0.0.1/32');
  onTestFinished(() => module.close());
  const checker = module.get(PhotoChecker);
  const urls = [`${server.origin}/1.png`];
  expect(await checker.checkLot(urls)).toMatchObject({ reachable: urls, withinThreshold: true });
  await module.close();
  await expect(checker.checkLot([`${server.origin}/2.png`])).rejects.toMatchObject({ kind: 'aborted' });
});

it('the images module does not start with an OUTBOUND_ALLOW that cannot be read', async () => {
  await expect(build('10.0.0.0/99')).rejects.toThrow(ConfigError);
});
