import { readFile } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import { parseArgs } from 'node:util';
import { GenerationService, type DescribeOptions } from '../client.js';
import { sha256Hex, signRequest } from '../signing.js';
import type { JobStatus } from '../types.js';
import { verifyWebhook } from '../verify-webhook.js';
import { progressPrinter } from './progress.js';
import { readLots } from './read-lots.js';
import { USAGE } from './usage.js';

/** The world outside, so that tests have one of their own. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Writable;
  readonly stderr: { write(text: string): unknown; isTTY?: boolean };
}

/** The command line was wrong: it is explained, and ends with 2. */
export class UsageError extends Error {}

const OPTIONS = {
  languages: { type: 'string' },
  wait: { type: 'boolean' },
  'webhook-url': { type: 'string' },
  'max-cost-usd': { type: 'string' },
  include: { type: 'string' },
  metadata: { type: 'string', multiple: true },
  'idempotency-key': { type: 'string' },
  format: { type: 'string' },
  partial: { type: 'boolean' },
  body: { type: 'string' },
  id: { type: 'string' },
  timestamp: { type: 'string' },
  signature: { type: 'string' },
  'ignore-age': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parse>['values'];

/** Runs one command; returns the exit code. */
export async function run(args: readonly string[], around: Surroundings): Promise<number> {
  const { values, positionals } = parse(args);
  const [command = 'help', ...rest] = positionals;
  if (values.help === true || command === 'help') {
    around.stdout.write(USAGE);
    return 0;
  }
  switch (command) {
    case 'submit':
      return submit(only(rest, 'the file with the lots'), values, around);
    case 'status':
      return print(around, await client(around).status(only(rest, 'a job id')));
    case 'wait':
      return wait(client(around), only(rest, 'a job id'), around);
    case 'results':
      return results(only(rest, 'a job id'), values, around);
    case 'cancel':
      return print(around, await client(around).cancel(only(rest, 'a job id')));
    case 'sign':
      return sign(rest, values, around);
    case 'verify':
      return verify(values, around);
    default:
      throw new UsageError(`there is no command ${command}`);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function submit(path: string, values: Values, around: Surroundings): Promise<number> {
  const service = client(around);
  const job = await service.submit(readLots(path), describeOptions(values));
  for (const warning of job.warnings) around.stderr.write(`warning: ${warning}\n`);
  const cost = job.estimated_cost_usd === null ? '' : `, about ${job.estimated_cost_usd.toFixed(2)} USD`;
  around.stderr.write(`${job.total_lots} lots accepted${cost}; the job goes on when this command ends:\n`);
  around.stdout.write(`${job.job_id}\n`);
  return values.wait === true ? wait(service, job.job_id, around) : 0;
}

/** 0 when the job completed, with failed lots or without; 1 when it failed or was cancelled. */
async function wait(service: GenerationService, jobId: string, around: Surroundings): Promise<number> {
  const status = await service.wait(jobId, { onProgress: progressPrinter(around.stderr) });
  around.stderr.write(`${status.status}: ${summary(status)}\n`);
  return status.status === 'completed' ? 0 : 1;
}

function summary({ progress, usage, error_message: reason }: JobStatus): string {
  const lots = `${progress.processed_lots} of ${progress.total_lots} lots, ${progress.failed_lots} failed`;
  return `${lots}, ${usage.cost_usd.toFixed(2)} USD${reason === null ? '' : `; ${reason}`}`;
}

async function results(jobId: string, values: Values, around: Surroundings): Promise<number> {
  const partial = values.partial === true;
  const format = values.format ?? 'ndjson';
  if (format !== 'ndjson' && format !== 'json' && format !== 'csv')
    throw new UsageError('--format is ndjson, json or csv');
  const service = client(around);
  const bytes =
    format === 'ndjson'
      ? Readable.from(lines(service.results(jobId, { partial })))
      : Readable.fromWeb((await service.download(jobId, { format, partial })) as NodeReadableStream);
  await pipeline(bytes, around.stdout, { end: false });
  return 0;
}

async function* lines(items: AsyncIterable<unknown>): AsyncGenerator<string, void, undefined> {
  for await (const item of items) yield `${JSON.stringify(item)}\n`;
}

/** Prints the headers of a request, as `curl -H @file` takes them. */
async function sign(rest: string[], values: Values, around: Surroundings): Promise<number> {
  const [method, target, ...more] = rest;
  if (method === undefined || target === undefined || more.length > 0 || !target.startsWith('/'))
    throw new UsageError('sign takes a method and the path with its query, for example: sign GET /api/v1/batch-jobs');
  const body = values.body === undefined ? '' : await readFile(values.body);
  const request = { method: method.toUpperCase(), target, bodyDigest: sha256Hex(body) };
  const keyId = around.env['GENERATION_SERVICE_KEY_ID'];
  const headers = { ...(keyId !== undefined && { 'X-Key-Id': keyId }), ...signRequest(secret(around), request) };
  for (const [name, value] of Object.entries(headers)) around.stdout.write(`${name}: ${value}\n`);
  return 0;
}

async function verify(values: Values, around: Surroundings): Promise<number> {
  const { id, timestamp, signature } = values;
  if (id === undefined || timestamp === undefined || signature === undefined)
    throw new UsageError('verify takes --id, --timestamp and --signature, the values of the webhook- headers');
  const chunks: Uint8Array[] = [];
  for await (const chunk of around.stdin) chunks.push(chunk);
  const { event } = verifyWebhook({
    headers: { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature },
    body: Buffer.concat(chunks),
    secret: around.env['WEBHOOK_SECRET'] ?? secret(around),
    ...(values['ignore-age'] === true && { tolerance: Infinity }),
  });
  around.stderr.write(`from the service and unchanged: ${event.event}\n`);
  return 0;
}

function describeOptions(values: Values): DescribeOptions {
  const languages = values.languages?.split(',').map((tag) => tag.trim());
  if (languages === undefined) throw new UsageError('--languages is missing, for example: --languages en,de');
  const cost = values['max-cost-usd'] === undefined ? undefined : Number(values['max-cost-usd']);
  if (Number.isNaN(cost)) throw new UsageError('--max-cost-usd is a number');
  const pairs = (values.metadata ?? []).map((pair) => /^([^=]+)=(.*)$/s.exec(pair)?.slice(1) ?? null);
  if (pairs.includes(null)) throw new UsageError('--metadata is NAME=VALUE');
  const webhookUrl = values['webhook-url'];
  const idempotencyKey = values['idempotency-key'];
  return {
    languages,
    ...(webhookUrl !== undefined && { webhook_url: webhookUrl }),
    ...(cost !== undefined && { max_cost_usd: cost }),
    // The service says which values it knows.
    ...(values.include !== undefined && { include: values.include.split(',') as ('assessment' | 'usage')[] }),
    ...(pairs.length > 0 && { metadata: Object.fromEntries(pairs as [string, string][]) }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  };
}

function client(around: Surroundings): GenerationService {
  const keyId = around.env['GENERATION_SERVICE_KEY_ID'];
  return new GenerationService({
    url: around.env['GENERATION_SERVICE_URL'] ?? 'http://127.0.0.1:3000',
    secret: secret(around),
    ...(keyId !== undefined && { keyId }),
  });
}

function secret(around: Surroundings): string {
  const value = around.env['GENERATION_SERVICE_SECRET'] ?? '';
  if (value === '') throw new UsageError('GENERATION_SERVICE_SECRET is not set: the shared key that signs requests');
  return value;
}

function only(rest: readonly string[], what: string): string {
  const [value, ...more] = rest;
  if (value === undefined || more.length > 0) throw new UsageError(`this command takes ${what}`);
  return value;
}

function print(around: Surroundings, answer: unknown): number {
  around.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  return 0;
}
