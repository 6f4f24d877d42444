import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/json.js';
import {
  changedRequest,
  drawnCar,
  errorOf,
  greyCard,
  outputText,
  PhotoHost,
  TestSandbox,
  visionRequest,
} from './support.js';

let sandbox: TestSandbox;
let host: PhotoHost;
let car: string;

beforeAll(async () => {
  // The day on which gpt-4.1-mini goes must not break these tests.
  sandbox = await TestSandbox.start({ SANDBOX_MODELS: '{"gpt-4.1-mini":"2999-01-14"}' });
  host = await PhotoHost.start();
  car = host.serve('car.jpg', await drawnCar());
});

afterAll(async () => {
  await sandbox.stop();
  await host.stop();
});

/** {@link changedRequest} of the car. */
const changed = (members: JsonObject) => changedRequest([car], members);

describe('photos', () => {
  it.each<[string, () => Promise<string>, JsonObject]>([
    [
      'that is not there',
      () => Promise.resolve(host.url('gone.jpg')),
      {
        code: 'invalid_value',
        param: 'url',
        message: expect.stringMatching(/^Error while downloading .*404/) as string,
      },
    ],
    [
      'at a private address',
      () => Promise.resolve('http://10.1.2.3/a.jpg'),
      { code: 'invalid_image_url', param: 'input' },
    ],
    [
      'that is no picture',
      () => Promise.resolve(host.serve('page.jpg', Buffer.from('<html></html>'))),
      { code: 'invalid_image_format' },
    ],
    [
      'that is cut',
      async () => host.serve('cut.jpg', (await drawnCar()).subarray(0, 3000)),
      { code: 'invalid_image_format' },
    ],
    ['that is empty', () => Promise.resolve(host.serve('empty.jpg', Buffer.alloc(0))), { code: 'empty_image_file' }],
    ['in broken base64', () => Promise.resolve('data:image/jpeg;base64,?'), { code: 'invalid_base64_image' }],
  ])('the sandbox refuses a photo %s', async (_name, url, error) => {
    const answer = await sandbox.respond(visionRequest([car, await url()]));
    expect({ status: answer.status, ...errorOf(answer) }).toMatchObject({ status: 400, ...error });
  });

  it('photos are fetched for every request, also the second time', async () => {
    const before = host.requested.filter((path) => path === '/car.jpg').length;
    await sandbox.respond(visionRequest([car]));
    await sandbox.respond(visionRequest([car]));
    expect(host.requested.filter((path) => path === '/car.jpg').length).toBe(before + 2);
  });

  it('photos decide the answer: the same again, another one otherwise, nothing for a grey card', async () => {
    const other = host.serve('other.jpg', await drawnCar('#00e5ff', 300, 230));
    const grey = host.serve('grey.jpg', await greyCard());
    const findings = async (url: string) => {
      const answer = await sandbox.respond(visionRequest([url]));
      return (JSON.parse(outputText(answer.json)) as { findings: JsonObject[] }).findings;
    };
    const first = await findings(car);
    expect(first.length).toBeGreaterThan(0);
    expect(await findings(host.serve('copy.jpg', await drawnCar()))).toEqual(first);
    expect(await findings(other)).not.toEqual(first);
    expect(await findings(grey)).toEqual([]);
  });

  it('photos are cited by the number that announces them', async () => {
    const grey = host.serve('grey.jpg', await greyCard());
    const answer = await sandbox.respond(visionRequest([grey, car]));
    const { findings } = JSON.parse(outputText(answer.json)) as { findings: { photos: number[] }[] };
    expect(findings.map(({ photos }) => photos)).toEqual(findings.map(() => [2]));
    expect(findings.length).toBeGreaterThan(0);
  });
});

describe('the answer', () => {
  it('an answer of the sandbox is a whole Response object with usage and the usual headers', async () => {
    const { status, headers, json } = await sandbox.respond(changed({ metadata: { lot: '7' } }));
    expect(status).toBe(200);
    expect(json).toMatchObject({
      id: expect.stringMatching(/^resp_/) as string,
      object: 'response',
      status: 'completed',
      error: null,
      incomplete_details: null,
      model: 'gpt-5.6-terra',
      store: false,
      metadata: { lot: '7' },
      output: [
        { type: 'reasoning', summary: [] },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', annotations: [] }] },
      ],
    });
    expect(json).not.toHaveProperty('output_text');
    const usage = json['usage'] as { input_tokens: number; output_tokens: number; total_tokens: number };
    expect(usage.total_tokens).toBe(usage.input_tokens + usage.output_tokens);
    expect(headers.get('x-request-id')).toMatch(/^req_/);
    expect(headers.get('openai-processing-ms')).toMatch(/^\d+$/);
    expect(headers.get('x-ratelimit-remaining-requests')).toMatch(/^\d+$/);
  });

  it('an answer of the sandbox says in every text that it is simulated, and guesses nothing', async () => {
    const answer = await sandbox.respond(visionRequest([car]));
    const value = JSON.parse(outputText(answer.json)) as {
      findings: { description: string }[];
      summary: string;
      mileage: unknown;
    };
    expect([value.summary, ...value.findings.map(({ description }) => description)]).toSatisfy((texts: string[]) =>
      texts.every((text) => text.startsWith('Simulated')),
    );
    expect(value.mileage).toBeNull();
  });

  it('an answer of the sandbox is incomplete when reasoning leaves no room for the text', async () => {
    const { json } = await sandbox.respond(changed({ max_output_tokens: 100 }));
    expect(json).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
    expect((json['usage'] as { output_tokens: number }).output_tokens).toBe(100);
  });

  it('an answer of the sandbox reads a long static prompt from the cache the second time', async () => {
    const long = changed({ instructions: `Be exact. ${'Look closely at every part. '.repeat(200)}` });
    const cached = async () => {
      const usage = (await sandbox.respond(long)).json['usage'] as { input_tokens_details: { cached_tokens: number } };
      return usage.input_tokens_details.cached_tokens;
    };
    expect(await cached()).toBe(0);
    expect(await cached()).toBeGreaterThanOrEqual(1024);
  });

  describe('the prompt cache', () => {
    const STATIC = `Be exact. ${'Look closely at every part. '.repeat(200)}`;
    const marked = { type: 'input_text', text: STATIC, prompt_cache_breakpoint: { mode: 'explicit' } };
    const asking = (lot: string, first: JsonObject, more: JsonObject = {}) =>
      changed({
        input: [
          { role: 'developer', content: [first] },
          { role: 'user', content: [{ type: 'input_text', text: lot }] },
        ],
        ...more,
      });
    const used = async (request: JsonObject) => {
      const { json } = await sandbox.respond(request);
      const usage = json['usage'] as { input_tokens: number; input_tokens_details: Record<string, number> };
      const { cached_tokens: cached = -1, cache_write_tokens: written = -1 } = usage.input_tokens_details;
      return { input: usage.input_tokens, cached, written };
    };

    it('is written and read up to a breakpoint, and nothing behind it is paid for', async () => {
      const explicit = { prompt_cache_options: { mode: 'explicit' } };
      const first = await used(asking('One car.', marked, explicit));
      expect(first.cached).toBe(0);
      expect(first.written).toBeGreaterThanOrEqual(1024);
      expect(first.written).toBeLessThan(first.input);
      expect(await used(asking('Another.', marked, explicit))).toMatchObject({ cached: first.written, written: 0 });
    });

    it('is written to the end of each request, and read by none, where no breakpoint is set', async () => {
      const { prompt_cache_breakpoint: _, ...plain } = marked;
      for (const lot of ['A third car.', 'A fourth car.']) {
        const { input, cached, written } = await used(asking(lot, plain));
        expect({ cached, written }).toEqual({ cached: 0, written: input });
      }
    });

    it('is left alone where only breakpoints count and there is none, or the prefix is short', async () => {
      const explicit = { prompt_cache_options: { mode: 'explicit' } };
      const { prompt_cache_breakpoint: _, ...plain } = marked;
      const short = { ...marked, text: 'Be exact.' };
      for (const first of [plain, short]) {
        expect(await used(asking('A fifth car.', first, explicit))).toMatchObject({ cached: 0, written: 0 });
      }
    });

    it.each([
      ['prompt_cache_options', { prompt_cache_options: { mode: 'explicit' } }],
      ['prompt_cache_breakpoint', { input: [{ role: 'developer', content: [marked] }] }],
    ])('is not controlled by %s on models before gpt-5.6', async (param, change) => {
      const answer = await sandbox.respond(changed({ model: 'gpt-4.1-mini', reasoning: null, ...change }));
      expect({ status: answer.status, ...errorOf(answer) }).toMatchObject({
        status: 400,
        code: 'unsupported_parameter',
        param,
      });
    });

    it.each([
      [{ prompt_cache_options: { mode: 'never' } }, 'prompt_cache_options.mode'],
      [{ prompt_cache_options: { ttl: '24h' } }, 'prompt_cache_options.ttl'],
      [
        { input: [{ role: 'user', content: [{ ...marked, prompt_cache_breakpoint: { mode: 'implicit' } }] }] },
        'input[0].content[0].prompt_cache_breakpoint.mode',
      ],
    ])('is not controlled by %j', async (change, param) => {
      expect(errorOf(await sandbox.respond(changed(change)))).toMatchObject({ param });
    });
  });
});
