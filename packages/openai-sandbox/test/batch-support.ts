import type { JsonObject } from '../src/json.js';
import { TEST_SCHEMA, type Answer, type TestSandbox } from './support.js';

const TERMINAL = new Set(['completed', 'failed', 'expired', 'cancelled']);

/** A line of a batch's input; without photos, so that it runs without a photo host. */
export function line(customId: string, body: JsonObject = {}): JsonObject {
  return {
    custom_id: customId,
    method: 'POST',
    url: '/v1/responses',
    body: {
      model: 'gpt-5.6-luna',
      store: false,
      reasoning: { effort: 'none' },
      input: `{"strings":["Lot ${customId}"]}`,
      text: { format: { type: 'json_schema', name: 'answer', strict: true, schema: TEST_SCHEMA } },
      ...body,
    },
  };
}

export function lines(count: number): JsonObject[] {
  return Array.from({ length: count }, (_, index) => line(`lot-${index + 1}`));
}

export async function upload(
  sandbox: TestSandbox,
  content: string | Buffer,
  fields: Readonly<Record<string, string>> = { purpose: 'batch' },
  name = 'input.jsonl',
): Promise<Answer> {
  const form = new FormData();
  form.set('file', new File([new Uint8Array(Buffer.from(content))], name));
  for (const [field, value] of Object.entries(fields)) form.set(field, value);
  const response = await fetch(`${sandbox.server.baseUrl}/files`, {
    method: 'POST',
    headers: { authorization: 'Bearer test' },
    body: form,
  });
  return { status: response.status, headers: response.headers, json: (await response.json()) as JsonObject };
}

/** A new batch of these lines; texts are put in as they are. */
export async function createBatch(
  sandbox: TestSandbox,
  input: readonly (JsonObject | string)[],
  members: JsonObject = {},
): Promise<JsonObject> {
  const text = input.map((item) => (typeof item === 'string' ? item : JSON.stringify(item))).join('\n');
  const file = await upload(sandbox, text);
  const answer = await createFrom(sandbox, String(file.json['id']), members);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.json));
  return answer.json;
}

export function createFrom(sandbox: TestSandbox, fileId: string, members: JsonObject = {}): Promise<Answer> {
  return sandbox.call('POST', '/v1/batches', {
    input_file_id: fileId,
    endpoint: '/v1/responses',
    completion_window: '24h',
    ...members,
  });
}

/** The batch once it is in this state, or in any that it never leaves. */
export async function inState(sandbox: TestSandbox, batch: JsonObject, status?: string): Promise<JsonObject> {
  for (;;) {
    const { json } = await sandbox.call('GET', `/v1/batches/${String(batch['id'])}`);
    if (json['status'] === status || TERMINAL.has(String(json['status']))) return json;
  }
}

export async function content(sandbox: TestSandbox, fileId: unknown): Promise<string> {
  const url = `${sandbox.server.baseUrl}/files/${String(fileId)}/content`;
  const response = await fetch(url, { headers: { authorization: 'Bearer test' } });
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  return response.text();
}

/** The running batch once this many of its lines are done. */
export async function whenDone(sandbox: TestSandbox, batch: JsonObject, completed: number): Promise<void> {
  for (;;) {
    const { json } = await sandbox.call('GET', `/v1/batches/${String(batch['id'])}`);
    if ((json['request_counts'] as { completed: number }).completed >= completed) return;
  }
}

/** The lines of one of a batch's files; none when there is no file. */
export async function results(sandbox: TestSandbox, fileId: unknown): Promise<LineResult[]> {
  if (fileId === undefined || fileId === '') return [];
  const text = await content(sandbox, fileId);
  return text
    .split('\n')
    .filter((item) => item !== '')
    .map((item) => JSON.parse(item) as LineResult);
}

export interface LineResult {
  readonly id: string;
  readonly custom_id: string;
  readonly response: { readonly status_code: number; readonly request_id: string; readonly body: JsonObject } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}
