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
      '/api/v1/batch-results/job-1/download?format=csv&partial=true&limit=500',
    ],
    [
      ['--status', 'failed,cancelled', '--code', 'REFUSED', '--needs-review', '--lot', 'a', '--after', '7'],
      '{"lot_id":"a"}\n',
      '/api/v1/batch-results/job-1?status%5B%5D=failed&status%5B%5D=cancelled&code%5B%5D=REFUSED&needs_review=true&lot_id%5B%5D=a&after=7',
    ],
  ])('results %j prints them', async (options, file, target) => {
    const server = await ScriptedServer.start(stream(file, { cut: false }));
    const answer = await command(['results', 'job-1', ...options], { GENERATION_SERVICE_URL: server.url });
    server.stop();
    expect(answer).toEqual({ code: 0, printed: file, said: '' });
    expect(server.received[0]?.target).toBe(target);
  });

  it('failed names each lot that failed and the reason', async () => {
    const lot = { lot_id: 'a', error: { code: 'REFUSED', message: 'The model\nrefused.' } };
    const server = await ScriptedServer.start(stream(`${JSON.stringify(lot)}\n`, { cut: false }));
    const answer = await command(['failed', 'job-1'], { GENERATION_SERVICE_URL: server.url });
    server.stop();
    const printed = 'lot_id\tcode\tmessage\na\tREFUSED\tThe model refused.\n';
    expect(answer).toEqual({ code: 0, printed, said: '1 lots failed\n' });
    expect(server.received[0]?.target).toBe('/api/v1/batch-results/job-1?status=failed');
  });

  it('retry says what it would take, and takes it', async () => {
    const server = await ScriptedServer.start(
      json(200, { lots: 3, estimated_cost_usd: 0.031, warnings: [] }),
      json(201, { job_id: 'job-2', total_lots: 3, estimated_cost_usd: null, warnings: ['slow'] }),
      json(200, running(100, 'failed')),
    );
    const env = { GENERATION_SERVICE_URL: server.url };
    const estimate = await command(['retry', 'job-1', '--code', 'REFUSED,CANCELLED', '--dry-run'], env);
    expect(estimate).toEqual({ code: 0, printed: '', said: '3 lots would be tried once more, about 0.03 USD\n' });
    const answer = await command(['retry', 'job-1', '--lot', 'a', '--lot', 'b, c', '--wait'], env);
    server.stop();
    expect(answer).toMatchObject({ code: 1, printed: 'job-2\n' });
    expect(answer['said']).toContain('warning: slow\n3 lots accepted;');
    expect(server.received.slice(0, 2).map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { codes: ['REFUSED', 'CANCELLED'], dry_run: true },
      { lot_ids: ['a', 'b, c'] },
    ]);
  });

  it('photo-check looks at the photos of a file and at addresses, a hundred at a time', async () => {
    const path = join(folder, 'photos.csv');
    const addresses = Array.from({ length: 100 }, (_, index) => `https://a.test/${index}.jpg`);
    writeFileSync(path, `lot_id,images\na,${addresses.join(' ')}\n`);
    const none = { low: null, high: null };
    const checked = { format: 'jpeg', width: 1920, height: 1234, bytes: 603488, tokens: { low: 212, high: 2808 } };
    const good = { ...checked, url: 'u1', reachable: true, reason: null, estimated_cost_usd: { low: 0.1, high: 0.2 } };
    const gone = { url: 'u2', reachable: false, reason: 'not_found', tokens: none, estimated_cost_usd: none };
    const server = await ScriptedServer.start(json(200, { photos: [good] }), json(200, { photos: [gone] }));
    const env = { GENERATION_SERVICE_URL: server.url };
    const answer = await command(['photo-check', path, 'https://b.test/1.jpg'], env);
    server.stop();
    expect(answer).toMatchObject({ code: 1, said: '1 photos cannot be used\n' });
    expect(String(answer['printed']).split('\n')).toEqual([
      'photo\tis\tformat\twidth\theight\tbytes\ttokens\tusd',
      'u1\tok\tjpeg\t1920\t1234\t603488\t2808\t0.2',
      'u2\tnot_found\t\t\t\t\t\t',
      '',
    ]);
    expect(server.received.map(({ body }) => (JSON.parse(body) as { images: string[] }).images)).toEqual([
      addresses,
      ['https://b.test/1.jpg'],
    ]);
  });

  it('usage is a table', async () => {
    const rows = [{ mode: 'batch', lots: 2, input_tokens: 3, cached_tokens: 1, output_tokens: 4, cost_usd: 0.5 }];
    const server = await ScriptedServer.start(json(200, { group_by: 'mode', rows }));
    const args = ['usage', '--from', '2026-01-01', '--by', 'mode'];
    const answer = await command(args, { GENERATION_SERVICE_URL: server.url });
    server.stop();
    expect(answer['printed']).toBe(
      'mode\tlots\tinput_tokens\tcached_tokens\toutput_tokens\tcost_usd\nbatch\t2\t3\t1\t4\t0.5\n',
    );
    expect(server.received[0]?.target).toBe('/api/v1/usage?from=2026-01-01&group_by=mode');
  });

  it.each(['cancel', 'pause', 'resume', 'status'])('%s prints the answer', async (name) => {
    const server = await ScriptedServer.start(json(200, { job_id: 'job-1' }));
    const answer = await command([name, 'job-1'], { GENERATION_SERVICE_URL: server.url });
    server.stop();
    expect(answer).toEqual({ code: 0, printed: '{\n  "job_id": "job-1"\n}\n', said: '' });
    expect(server.received[0]?.target).toMatch(new RegExp(name === 'status' ? '/batch-status/job-1$' : `/${name}$`));
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
    [['photo-check'], 'photo-check takes addresses of photos, or files with lots'],
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
