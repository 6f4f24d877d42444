import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { metricsRegistry } from '../../src/common/metrics-registry.js';
import { CommonModule } from '../../src/common/common.module.js';
import { Clock } from '../../src/common/clock.js';
import { APP_CONFIG } from '../../src/config/app-config.js';
import { ConfigModule } from '../../src/config/config.module.js';
import { OpenAiCircuits } from '../../src/openai/circuit-breaker.js';
import { describeModel, ModelCheck, replacementOf } from '../../src/openai/model-check.js';
import { OpenAiClient } from '../../src/openai/openai-client.js';
import { OpenAiModule } from '../../src/openai/openai.module.js';
import { openAiSettings, startRig, type ClientRig } from './client-rig.js';
import { stateOf } from './circuit-state.js';
import { apiError, hangUp, json, silence, type Behaviour } from './openai-stub.js';

let rig: ClientRig;
beforeEach(async () => {
  rig = await startRig({ tries: 1 });
});
afterEach(() => rig.stop());

const HOUR = 3_600_000;
const NOW = Date.parse('2026-11-23T12:00:00Z');

describe('describeModel', () => {
  it.each([
    [undefined, 'available', true],
    [61 * 24, 'available', true],
    [60 * 24, 'deprecated', true],
    [49, 'deprecated', true],
    [48, 'closing', false],
    [-24, 'closing', false],
  ] as const)('describeModel calls a model that shuts down in %s hours %s', (hours, state, acceptsBatch) => {
    const shutdownDate = hours === undefined ? undefined : new Date(NOW + hours * HOUR);
    expect(describeModel('gpt-4.1-mini', { shutdownDate }, NOW)).toEqual({
      id: 'gpt-4.1-mini',
      state,
      shutdownDate,
      replacement: 'gpt-6-luna',
      acceptsBatch,
    });
  });

  it('describeModel refuses batches on what is gone, not on what could not be asked', () => {
    expect(describeModel('x', 'gone', NOW)).toMatchObject({ acceptsBatch: false, replacement: undefined });
    expect(describeModel('x', 'unknown', NOW)).toMatchObject({ acceptsBatch: true });
  });

  it('describeModel names the replacement of a dated snapshot too', () => {
    expect(replacementOf('o4-mini-2025-04-16')).toBe('gpt-5.6-terra');
  });
});

describe('modelState', () => {
  const check = () => new ModelCheck(rig.config, rig.clock, rig.client);

  it('modelState asks once an hour', async () => {
    rig.stub.always(json(200, { id: 'gpt-vision', shutdown_date: '2026-04-22' }));
    const models = check();
    expect(await models.modelState('gpt-vision')).toMatchObject({
      state: 'deprecated',
      shutdownDate: new Date('2026-04-22T00:00:00Z'),
    });
    await models.modelState('gpt-vision');
    expect(rig.stub.requests.map(({ path }) => path)).toEqual(['/v1/models/gpt-vision']);
    rig.clock.advance(HOUR);
    await models.modelState('gpt-vision');
    expect(rig.stub.requests).toHaveLength(2);
  });

  it('modelState calls a model gone that OpenAI does not know', async () => {
    rig.stub.always(apiError(404, { code: 'model_not_found' }));
    expect(await check().modelState('o4-mini')).toMatchObject({ state: 'gone', replacement: 'gpt-5.6-terra' });
  });

  it('modelState calls a model gone that this key may not use', async () => {
    rig.stub.always(apiError(403, { code: 'model_not_found' }));
    expect(await check().modelState('o4-mini')).toMatchObject({ state: 'gone', acceptsBatch: false });
  });

  it.each<[string, Behaviour]>([
    ['has no such list', apiError(404, {})],
    ['has no such path', json(404, { detail: 'Not Found' })],
    ['says 404 for a code', apiError(404, { code: '404', message: 'The model does not exist' })],
    ['names the model without a code', apiError(404, { param: 'model', message: 'The model `x` does not exist' })],
    ['answers with a page', (response) => response.writeHead(404).end('<html>404</html>')],
    ['does not take GET', apiError(405, {})],
    ['has not got that far', apiError(501, {})],
    ['is away', hangUp],
    ['refuses the key', apiError(401, {})],
    ['fails', apiError(500, {})],
  ])('modelState knows nothing when OpenAI %s, and asks again after a minute', async (_name, behaviour) => {
    rig.stub.next(behaviour);
    rig.stub.always(json(200, { id: 'gpt-vision', shutdown_date: null }));
    const models = check();
    expect(await models.modelState('gpt-vision')).toMatchObject({ state: 'unknown', acceptsBatch: true });
    expect(await models.modelState('gpt-vision')).toMatchObject({ state: 'unknown' });
    rig.clock.advance(60_000);
    expect(await models.modelState('gpt-vision')).toMatchObject({ state: 'available' });
    expect(rig.stub.requests).toHaveLength(2);
  });
});

describe('what the metrics say of models', () => {
  const lines = async () =>
    (await metricsRegistry.metrics()).split('\n').filter((line) => /^openai_model_\w+\{/.test(line));

  it('the metrics say of each configured model when it ends and whether it is served, and nothing of one that is not known', async () => {
    rig.stub.always((response, request) => {
      const answer = request.path.endsWith('gpt-vision')
        ? json(200, { id: 'gpt-vision', shutdown_date: '2026-04-22' })
        : apiError(404, { code: 'model_not_found' });
      answer(response, request);
    });
    const models = new ModelCheck(rig.config, rig.clock, rig.client);
    models.onApplicationBootstrap();
    expect(await lines()).toEqual([]);
    await models.checkConfigured();
    expect((await lines()).toSorted()).toEqual([
      'openai_model_served{model="gpt-translation"} 0',
      'openai_model_served{model="gpt-vision"} 1',
      `openai_model_shutdown_timestamp_seconds{model="gpt-vision"} ${Date.parse('2026-04-22T00:00:00Z') / 1000}`,
    ]);
    models.onModuleDestroy();
    expect(await lines()).toEqual([]);
  });
});

describe('OpenAiModule', () => {
  it('OpenAiModule starts while OpenAI does not answer, asks for both models, and ends without waiting for them', async () => {
    rig.stub.always(silence);
    const config = { openai: openAiSettings(rig.stub.baseUrl) };
    const module = await Test.createTestingModule({
      imports: [ConfigModule.forRoot(config as never), CommonModule, OpenAiModule],
    })
      .overrideProvider(Clock)
      .useValue(rig.clock)
      .compile();
    expect(module.get(APP_CONFIG)).toBe(config);
    await module.init();
    expect(module.get(OpenAiClient).fingerprint()).toBe(`${rig.stub.baseUrl}#proj_test`);
    expect(stateOf(module.get(OpenAiCircuits).of('retrieve_model'))).toBe('closed');
    await rig.stub.arrived(2);
    expect(rig.stub.requests.map(({ path }) => path).toSorted()).toEqual([
      '/v1/models/gpt-translation',
      '/v1/models/gpt-vision',
    ]);
    await module.close();
    await rig.stub.connectionsClosed(2);
  });
});
