import { afterEach, describe, expect, it } from 'vitest';
import { ConnectionError, GenerationService, JobRunningError } from '../src/index.js';
import { cutConnection, json, ScriptedServer, SECRET, stream, type Step } from './scripted-server.js';

const result = (lotId: string): object => ({ lot_id: lotId, status: 'completed', descriptions: [] });
const lines = (...ids: string[]): string => ids.map((id) => `${JSON.stringify(result(id))}\n`).join('');

const servers: ScriptedServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop();
});

async function talk(...steps: Step[]): Promise<{ server: ScriptedServer; client: GenerationService }> {
  const server = await ScriptedServer.start(...steps);
  servers.push(server);
  return { server, client: new GenerationService({ url: `${server.url}/`, secret: SECRET, keyId: 'acme' }) };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('results', () => {
  it('go on after each cut, from behind the last lot that was handed over', async () => {
    const { server, client } = await talk(
      stream(`${lines('a', 'b / ü')}{"lot_id":"c`, { cut: true }),
      cutConnection,
      // A proxy that closes properly in the middle of a line.
      stream(`${lines('c')}{"lot_id"`, { cut: false }),
      stream(lines('d', 'лот'), { cut: false }),
    );
    const ids = (await collect(client.results('job-1'))).map((each) => each.lot_id);
    expect(ids).toEqual(['a', 'b / ü', 'c', 'd', 'лот']);
    const target = '/api/v1/batch-results/job-1';
    expect(server.received.map((each) => each.target)).toEqual([
      target,
      `${target}?after=b+%2F+%C3%BC`,
      `${target}?after=b+%2F+%C3%BC`,
      `${target}?after=c`,
    ]);
    expect(server.received[0]?.headers['accept']).toBe('application/x-ndjson');
  });

  it('are only those that are chosen, after a cut too', async () => {
    const { server, client } = await talk(stream(lines('b'), { cut: true }), stream(lines('c'), { cut: false }));
    const options = { status: 'failed', code: ['REFUSED', 'NO_IMAGES'], needs_review: false, after: 'a' } as const;
    expect(await collect(client.results('job-1', options))).toEqual([result('b'), result('c')]);
    const query = 'status=failed&code%5B%5D=REFUSED&code%5B%5D=NO_IMAGES&needs_review=false';
    expect(server.received.map(({ target }) => target)).toEqual([
      `/api/v1/batch-results/job-1?${query}&after=a`,
      `/api/v1/batch-results/job-1?${query}&after=b`,
    ]);
  });

  it('are given up when no lot comes between the cuts', async () => {
    const { server } = await talk(stream('', { cut: true }), stream('', { cut: true }), stream('', { cut: true }));
    const client = new GenerationService({ url: server.url, secret: SECRET, retries: 1 });
    await expect(collect(client.results('job-1'))).rejects.toThrow(ConnectionError);
    expect(server.received).toHaveLength(2);
  });

  it('of a job that runs are an error, or what is there so far', async () => {
    const { client } = await talk(json(202, { status: 'processing' }), stream(lines('a'), { cut: false }));
    await expect(collect(client.results('job-1'))).rejects.toThrow(JobRunningError);
    expect(await collect(client.results('job-1', { partial: true }))).toEqual([result('a')]);
  });

  it('come as a file, by pages, of which only one is asked for again after a cut', async () => {
    const names = '\ufeffjob_id,lot_id\r\n';
    const { server, client } = await talk(
      stream(`${names}job-1,a\r\n`, { cut: false, next: 'p1' }),
      stream(`${names}job-1,"b`, { cut: true, next: 'p2' }),
      stream(`${names}job-1,"b\r\nb"\r\n`, { cut: false, next: 'p2' }),
      stream(`${names}job-1,c\r\n`, { cut: false }),
    );
    const file = await client.download('job-1', { format: 'csv', needs_review: true });
    const bytes = Buffer.from(await new Response(file).arrayBuffer());
    expect(bytes.toString()).toBe(`${names}job-1,a\r\njob-1,"b\r\nb"\r\njob-1,c\r\n`);
    const first = '/api/v1/batch-results/job-1/download?format=csv&needs_review=true&limit=500';
    expect(server.received.map(({ target }) => target)).toEqual([
      first,
      `${first}&after=p1`,
      `${first}&after=p1`,
      `${first}&after=p2`,
    ]);
  });

  it('are no file while the job runs, and a cut JSON document is an error', async () => {
    const running = json(202, { status: 'processing' });
    const { client } = await talk(running, running, stream('{"job_id":', { cut: true }));
    await expect(client.download('job-1', { format: 'csv' })).rejects.toThrow(JobRunningError);
    await expect(client.download('job-1', { format: 'json' })).rejects.toThrow(JobRunningError);
    const file = await client.download('job-1', { format: 'json' });
    await expect(new Response(file).text()).rejects.toThrow();
  });
});
