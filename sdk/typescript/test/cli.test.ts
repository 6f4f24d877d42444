import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../src/cli/commands.js';
import { lotsOfCsv } from '../src/cli/read-lots.js';
import { progressLine } from '../src/cli/progress.js';
import type { JobStatus, Lot } from '../src/index.js';
import { signRequest } from '../src/index.js';
import { json, ScriptedServer, SECRET, stream } from './scripted-server.js';

const folder = mkdtempSync(join(tmpdir(), 'cli-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const running = (percentage: number, status: string): JobStatus =>
  ({
    status,
    progress: {
      work_percentage: percentage,
      processed_lots: 1,
      total_lots: 2,
      failed_lots: percentage === 100 ? 1 : 0,
    },
    processing_details: { current_stage: percentage === 100 ? 'done' : 'vision_analysis' },
    usage: { cost_usd: 0.5 },
    error_message: null,
  }) as unknown as JobStatus;

async function command(args: string[], env: Record<string, string> = {}, input = ''): Promise<Record<string, unknown>> {
  const stdout = new PassThrough();
  const said: string[] = [];
  const printed = text(stdout);
  const stdin = (async function* () {
    yield Buffer.from(input);
  })();
  const stderr = { write: (line: string) => said.push(line) };
  try {
    const code = await run(args, { env: { GENERATION_SERVICE_SECRET: SECRET, ...env }, stdin, stdout, stderr });
    return { code, printed: (stdout.end(), await printed), said: said.join('') };
  } finally {
    stdout.end();
  }
}

async function lotsOf(...chunks: string[]): Promise<Lot[]> {
  const lots: Lot[] = [];
  const source = (async function* () {
    yield* chunks;
  })();
  for await (const lot of lotsOfCsv(source)) lots.push(lot);
  return lots;
}

describe('lots in CSV', () => {
  it('are read as spreadsheets write them', async () => {
    const csv =
      '\ufefflot_id,images,additional_info,webhook\r\n' +
      '11-1,https://a.test/1.jpg https://a.test/2.jpg,"2021 ""BMW"" X5,\nblue",https://c.test/hook\r\n' +
      '\r\n' +
      '"11-2","https://a.test/3.jpg|https://a.test/4.jpg",,';
    const expected = [
      {
        lot_id: '11-1',
        images: ['https://a.test/1.jpg', 'https://a.test/2.jpg'],
        additional_info: '2021 "BMW" X5,\nblue',
        webhook: 'https://c.test/hook',
      },
      { lot_id: '11-2', images: ['https://a.test/3.jpg', 'https://a.test/4.jpg'] },
    ];
    expect(await lotsOf(csv)).toEqual(expected);
    expect(await lotsOf(...csv.split('')), 'one character at a time').toEqual(expected);
  });

  it('may be separated by semicolons, and have photos in columns or rows of their own', async () => {
    expect(await lotsOf('lot_id;image1;image_2\na;u1;u2\nb;u3;\nb;u4;\n')).toEqual([
      { lot_id: 'a', images: ['u1', 'u2'] },
      { lot_id: 'b', images: ['u3', 'u4'] },
    ]);
  });

  it.each([
    ['id,images\n1,u', 'line 1: there is no column lot_id'],
    ['lot_id,images\n"a\nb",u\n,u', 'line 4: lot_id is empty'],
    ['lot_id,images\na,u,v', 'line 2: 3 cells, but the first row names 2'],
    ['lot_id,images\na,"u', 'line 2: a quote begins here or later and never ends'],
  ])('%j is refused', async (csv, message) => {
    await expect(lotsOf(csv)).rejects.toThrow(message);
  });
});

describe('the command', () => {
  it('submit sends the lots of a file and waits', async () => {
    const path = join(folder, 'lots.csv');
    writeFileSync(path, 'lot_id,images\na,https://a.test/1.jpg\nb,https://a.test/2.jpg\n');
    const accepted = {
      job_id: 'job-1',
      total_lots: 2,
      estimated_cost_usd: 0.021,
      warnings: ['webhook_failing:c.test'],
    };
    const server = await ScriptedServer.start(
      json(201, accepted),
      json(200, running(40, 'processing')),
      json(200, running(100, 'completed')),
    );
    const args = [
      'submit',
      path,
      '--languages',
      'en,de',
      '--wait',
      '--metadata',
      'auction=A=17',
      '--max-cost-usd',
      '5',
    ];
    const answer = await command(args, { GENERATION_SERVICE_URL: server.url, GENERATION_SERVICE_KEY_ID: 'acme' });
    server.stop();
    expect(answer).toMatchObject({ code: 0, printed: 'job-1\n' });
    expect(answer['said']).toContain('warning: webhook_failing:c.test\n2 lots accepted, about 0.02 USD');
    expect(answer['said']).toContain('completed: 1 of 2 lots, 1 failed, 0.50 USD\n');
    const [head, first] = (server.received[0]?.body ?? '')
      .split('\n')
      .map((line) => JSON.parse(line || 'null') as unknown);
    expect(head).toMatchObject({ languages: ['en', 'de'], metadata: { auction: 'A=17' }, max_cost_usd: 5 });
    expect(first).toEqual({ lot_id: 'a', images: ['https://a.test/1.jpg'] });
    expect(server.received[0]?.headers['x-key-id']).toBe('acme');
  });

  it.each([
    [[], '{"lot_id":"a"}\n', '/api/v1/batch-results/job-1'],
    [
      ['--format', 'csv', '--partial'],
      'job_id,lot_id\n',
      '/api/v1/batch-results/job-1/download?format=csv&partial=true',
    ],
  ])('results %j prints them', async (options, file, target) => {
    const server = await ScriptedServer.start(stream(file, { cut: false }));
    const answer = await command(['results', 'job-1', ...options], { GENERATION_SERVICE_URL: server.url });
    server.stop();
    expect(answer).toEqual({ code: 0, printed: file, said: '' });
    expect(server.received[0]?.target).toBe(target);
  });

  it('sign prints the headers of a request', async () => {
    const { printed } = await command(['sign', 'get', '/api/v1/batch-jobs?limit=10']);
    const timestamp = /^X-Timestamp: (\d{10})$/m.exec(String(printed))?.[1];
    const expected = signRequest(SECRET, { method: 'GET', target: '/api/v1/batch-jobs?limit=10' }, Number(timestamp));
    expect(printed).toBe(`X-Timestamp: ${timestamp}\nX-Signature: ${expected['X-Signature']}\n`);
  });

  it('verify tells a webhook from a changed one', async () => {
    const headers = ['--id', 'msg_1', '--timestamp', '1767225600', '--ignore-age', '--signature'];
    const right = 'v1,+W/U5GIW9t4PxTdjOlStiu03k0IX3D8uM3e2hppmLYA=';
    const env = { WEBHOOK_SECRET: 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=' };
    const answer = await command(['verify', ...headers, right], env, '{"event":"ping"}');
    expect(answer).toEqual({ code: 0, printed: '', said: 'from the service and unchanged: ping\n' });
    await expect(command(['verify', ...headers, right], env, '{"event":"pong"}')).rejects.toThrow('fits no secret');
  });

  it.each([
    [['submit', 'lots.csv'], '--languages is missing'],
    [['results'], 'this command takes a job id'],
    [['results', 'job-1', '--format', 'xml'], '--format is ndjson, json or csv'],
    [['sign', 'GET', 'api/v1'], 'sign takes a method and the path'],
    [['describe'], 'there is no command describe'],
    [['status', 'job-1', '--languges', 'en'], "Unknown option '--languges'"],
  ])('%j is explained', async (args, message) => {
    await expect(command(args)).rejects.toThrow(message);
  });
});

it('shows how far a job is', () => {
  expect(progressLine(running(50, 'processing'))).toBe(
    `${'█'.repeat(15)}${'░'.repeat(15)} 50 %  1 of 2 lots  vision analysis`,
  );
});
