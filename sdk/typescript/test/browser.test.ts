import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import ts from 'typescript';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cutConnection, json, refuse, ScriptedServer, SECRET, stream, type Step } from './scripted-server.js';

const SOURCES = join(import.meta.dirname, '../src');
/** Not localhost: a page of another address over plain http has no WebCrypto, as in a company's own network. */
const HOST = 'intern.test';

let browser: Browser;
let server: ScriptedServer | null = null;
beforeAll(async () => {
  const executablePath = execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
  const args = ['--no-sandbox', '--disable-dev-shm-usage', `--host-resolver-rules=MAP ${HOST} 127.0.0.1`];
  browser = await chromium.launch({ executablePath, args });
});
afterEach(() => server?.stop());
afterAll(() => browser.close());

/** A page with the client's files as they are built, each by itself, on the address that answers by steps. */
async function show(...steps: Step[]): Promise<{ page: Page; loaded: string[]; complaints: string[] }> {
  server = await ScriptedServer.start(...steps);
  server.pages.set('/', { type: 'text/html', text: '<!doctype html><link rel="icon" href="data:,"><title>x</title>' });
  for (const name of readdirSync(SOURCES).filter((each) => each.endsWith('.ts'))) {
    const { outputText } = ts.transpileModule(readFileSync(join(SOURCES, name), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ES2022, target: ts.ScriptTarget.ES2022 },
    });
    server.pages.set(`/client/${name.replace(/ts$/, 'js')}`, { type: 'text/javascript', text: outputText });
  }
  const page = await (await browser.newContext()).newPage();
  const [loaded, complaints]: [string[], string[]] = [[], []];
  page.on('request', (request) => void loaded.push(new URL(request.url()).pathname));
  page.on('pageerror', (error) => void complaints.push(String(error)));
  await page.goto(`http://${HOST}:${new URL(server.url).port}/`);
  return { page, loaded, complaints };
}

/** Runs statements in the page, with `service` there; returns what they return. */
function within<T>(page: Page, statements: string): Promise<T> {
  return page.evaluate<T>(`(async () => {
    const { GenerationService, ApiError, verifyWebhook } = await import('/client/index.js');
    const service = new GenerationService({ url: location.origin, secret: ${JSON.stringify(SECRET)} });
    ${statements}
  })()`);
}

const line = (id: string): string => `${JSON.stringify({ lot_id: id })}\n`;

describe('in a browser, on a page over plain http', () => {
  it('the client describes, hands in from an iterator, waits and reads on after a cut', async () => {
    let cut: () => void = () => undefined;
    const halfSent: Step = (response) => {
      response.writeHead(200).write(`${line('a')}${line('b')}{"lot_id`);
      cut = () => void response.destroy();
    };
    const { page, loaded, complaints } = await show(
      refuse(429, 'RATE_LIMITED', { 'Retry-After': '0' }),
      json(200, { job_id: 'job-1', lots: [{ lot_id: 'ü 🚗' }] }),
      cutConnection,
      json(201, { job_id: 'job-2' }),
      json(200, { status: 'processing' }, { ETag: '"1"' }),
      (response) => void response.writeHead(304).end(),
      json(200, { status: 'completed' }),
      halfSent,
      stream(line('c'), { cut: false }),
    );
    // Chromium throws away what it has not handed over yet, so the connection breaks once these lots were read.
    await page.exposeFunction('cut', () => cut());
    const seen = await within<Record<string, unknown>>(
      page,
      `const answer = await service.generate({ lot_id: 'ü 🚗', images: ['https://a.test/1.jpg'] }, { languages: ['en'] });
       async function* lots() {
         for (let n = 0; n < 5000; n++) yield { lot_id: n, images: ['https://a.test/' + n + '.jpg'] };
       }
       const job = await service.submit(lots(), { languages: ['en', 'de'] });
       const told = [];
       await service.wait(job.job_id, { onProgress: ({ status }) => told.push(status) });
       const ids = [];
       for await (const lot of service.results(job.job_id)) {
         ids.push(lot.lot_id);
         if (lot.lot_id === 'b') await cut();
       }
       return { secure: isSecureContext, subtle: crypto.subtle !== undefined, lot: answer.lots[0].lot_id, told, ids };`,
    );
    const told = ['processing', 'completed'];
    expect(seen).toEqual({ secure: false, subtle: false, lot: 'ü 🚗', told, ids: ['a', 'b', 'c'] });
    const [, , first, second] = server?.received ?? [];
    expect(second?.body).toBe(first?.body);
    expect(second?.body.trimEnd().split('\n')).toHaveLength(5_001);
    expect(second?.headers).toMatchObject({ 'content-encoding': 'gzip', 'content-type': 'application/x-ndjson' });
    expect(server?.received.at(-1)?.target).toBe('/api/v1/batch-results/job-2?after=b');
    expect(loaded).not.toContain('/client/file-sink.js');
    expect(complaints).toEqual([]);
  });

  it('errors say what the service says, and a file and a webhook are read', async () => {
    const { page } = await show(refuse(422, 'UNSUPPORTED_LANGUAGE'), stream('job_id\r\nx\r\n', { cut: false }));
    const seen = await within<Record<string, unknown>>(
      page,
      `const error = await service.generate({ lot_id: '1', images: [] }, { languages: ['xx'] }).catch((caught) => caught);
       const file = await new Response(await service.download('job-1', { format: 'csv' })).text();
       const { event } = verifyWebhook({
         headers: new Headers({
           'webhook-id': 'msg_1',
           'webhook-timestamp': '1767225600',
           'webhook-signature': 'v1,+W/U5GIW9t4PxTdjOlStiu03k0IX3D8uM3e2hppmLYA=',
         }),
         body: '{"event":"ping"}',
         secret: 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=',
         tolerance: Infinity,
       });
       return { known: error instanceof ApiError, text: String(error), file, event: event.event };`,
    );
    expect(seen).toEqual({
      known: true,
      text: 'ApiError: UNSUPPORTED_LANGUAGE: Do it otherwise. {"field":"x"} (request id req-1)',
      file: 'job_id\r\nx\r\n',
      event: 'ping',
    });
  });
});
