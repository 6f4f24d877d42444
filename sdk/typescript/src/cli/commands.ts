import { readFile } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import { GenerationService } from '../client.js';
import type { DescribeOptions } from '../options.js';
import { sha256Hex, signRequest } from '../signing.js';
import type { BatchAcceptedAnswer, JobStatus } from '../types.js';
import { verifyWebhook } from '../verify-webhook.js';
import { list, only, parse, resultsOptions, UsageError, type Values } from './arguments.js';
import { checkPhotos, type Cell } from './check-photos.js';
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
    case 'failed':
      return failed(only(rest, 'a job id'), values, around);
    case 'retry':
      return retry(only(rest, 'a job id'), values, around);
    case 'cancel':
      return print(around, await client(around).cancel(only(rest, 'a job id')));
    case 'pause':
      return print(around, await client(around).pause(only(rest, 'a job id')));
    case 'resume':
      return print(around, await client(around).resume(only(rest, 'a job id')));
    case 'photo-check':
      return photoCheck(rest, around);
    case 'usage':
      return usage(values, around);
    case 'sign':
      return sign(rest, values, around);
    case 'verify':
      return verify(values, around);
    default:
      throw new UsageError(`there is no command ${command}`);
  }
}

async function submit(path: string, values: Values, around: Surroundings): Promise<number> {
  const service = client(around);
  return accepted(service, await service.submit(readLots(path), describeOptions(values)), values, around);
}

/** Says what was accepted and, if asked to, waits for it. */
async function accepted(
  service: GenerationService,
  job: BatchAcceptedAnswer,
  values: Values,
  around: Surroundings,
): Promise<number> {
  for (const warning of job.warnings) around.stderr.write(`warning: ${warning}\n`);
  around.stderr.write(`${job.total_lots} lots accepted${costing(job)}; the job goes on when this command ends:\n`);
  around.stdout.write(`${job.job_id}\n`);
  return values.wait === true ? wait(service, job.job_id, around) : 0;
}

/** `, about 0.02 USD`, where the price is known. */
function costing({ estimated_cost_usd: cost }: { estimated_cost_usd: number | null }): string {
  return cost === null ? '' : `, about ${cost.toFixed(2)} USD`;
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
  const format = values.format ?? 'ndjson';
  if (format !== 'ndjson' && format !== 'json' && format !== 'csv')
    throw new UsageError('--format is ndjson, json or csv');
  const options = resultsOptions(values);
  const service = client(around);
  const bytes =
    format === 'ndjson'
      ? Readable.from(lines(service.results(jobId, options)))
      : Readable.fromWeb((await service.download(jobId, { ...options, format })) as NodeReadableStream);
  await pipeline(bytes, around.stdout, { end: false });
  return 0;
}

/** A row for each lot that failed: its lot_id, the code and the reason. */
async function failed(jobId: string, values: Values, around: Surroundings): Promise<number> {
  const print = row(around);
  print(['lot_id', 'code', 'message']);
  let count = 0;
  for await (const lot of client(around).results(jobId, { ...resultsOptions(values), status: 'failed' })) {
    print([lot.lot_id, lot.error?.code, lot.error?.message]);
    count++;
  }
  around.stderr.write(`${count} lots failed\n`);
  return 0;
}

async function retry(jobId: string, values: Values, around: Surroundings): Promise<number> {
  const lots = {
    ...(values.code !== undefined && { codes: list<'CANCELLED'>(values.code) }),
    ...(values.lot !== undefined && { lot_ids: values.lot }),
  };
  const service = client(around);
  if (values['dry-run'] === true) {
    const estimate = await service.estimateRetry(jobId, lots);
    for (const warning of estimate.warnings) around.stderr.write(`warning: ${warning}\n`);
    around.stderr.write(`${estimate.lots} lots would be tried once more${costing(estimate)}\n`);
    return 0;
  }
  const idempotencyKey = values['idempotency-key'];
  const job = await service.retry(jobId, { ...lots, ...(idempotencyKey !== undefined && { idempotencyKey }) });
  return accepted(service, job, values, around);
}

/** 1 when some photo is of no use, so that a script can stop before it sends lots. */
async function photoCheck(sources: readonly string[], around: Surroundings): Promise<number> {
  if (sources.length === 0) throw new UsageError('photo-check takes addresses of photos, or files with lots');
  const useless = await checkPhotos(client(around), sources, row(around));
  around.stderr.write(useless === 0 ? 'every photo can be used\n' : `${useless} photos cannot be used\n`);
  return useless === 0 ? 0 : 1;
}

async function usage(values: Values, around: Surroundings): Promise<number> {
  const { from, to, by } = values;
  const query = {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(by !== undefined && { group_by: by as 'day' }),
  };
  const { group_by: group, rows } = await client(around).usage(query);
  const columns = [group, 'lots', 'input_tokens', 'cached_tokens', 'output_tokens', 'cost_usd'] as const;
  const print = row(around);
  print(columns);
  for (const each of rows) print(columns.map((name) => each[name]));
  return 0;
}

/** Prints cells with tabs between them, which spreadsheets, `cut` and `column -t` take. */
function row(around: Surroundings): (cells: readonly Cell[]) => void {
  return (cells) => {
    const texts = cells.map((cell) => String(cell ?? '').replace(/\s+/g, ' '));
    around.stdout.write(`${texts.join('\t')}\n`);
  };
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
  if (values.languages === undefined) throw new UsageError('--languages is missing, for example: --languages en,de');
  const languages = list(values.languages);
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
    ...(values.include !== undefined && { include: list<'assessment' | 'notes' | 'usage'>(values.include) }),
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

function print(around: Surroundings, answer: unknown): number {
  around.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  return 0;
}
