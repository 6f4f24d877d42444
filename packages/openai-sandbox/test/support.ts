import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { loadSandboxSettings } from '../src/settings.js';
import type { JsonObject } from '../src/json.js';
import { startSandboxServer, type SandboxServer } from '../src/sandbox-server.js';

/** Answers of the sandbox, with the body parsed. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: JsonObject;
}

export class TestSandbox {
  private constructor(
    readonly server: SandboxServer,
    readonly stateDir: string,
  ) {}

  /** A sandbox in this process, quick and without delays; `settings` are SANDBOX_* variables. */
  static async start(settings: Readonly<Record<string, string>> = {}, stateDir?: string): Promise<TestSandbox> {
    const folder = stateDir ?? (await mkdtemp(join(tmpdir(), 'sandbox-test-')));
    const config = loadSandboxSettings({
      SANDBOX_STATE_DIR: folder,
      SANDBOX_BATCH_VALIDATE_SECONDS: '0',
      SANDBOX_BATCH_RUN_SECONDS: '0',
      SANDBOX_BATCH_FINALIZE_SECONDS: '0',
      ...settings,
    });
    return new TestSandbox(await startSandboxServer(config), folder);
  }

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${this.server.origin}${path}`, {
      method,
      headers: { authorization: 'Bearer test', 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, json: (await response.json()) as JsonObject };
  }

  respond(body: unknown): Promise<Answer> {
    return this.call('POST', '/v1/responses', body);
  }

  async faults(...rules: JsonObject[]): Promise<void> {
    const answer = await this.call('POST', '/sandbox/faults', rules);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.json));
  }

  async stop(): Promise<void> {
    await this.server.close();
    await rm(this.stateDir, { recursive: true, force: true });
  }
}

/** Serves pictures on loopback and counts what was asked for. */
export class PhotoHost {
  readonly requested: string[] = [];
  private readonly photos = new Map<string, { bytes: Buffer; type: string }>();
  private readonly held = new Map<string, Promise<void>>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<PhotoHost> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const host = new PhotoHost(server);
    server.on('request', (request, response) => {
      const path = request.url ?? '';
      host.requested.push(path);
      const photo = host.photos.get(path);
      if (photo === undefined) {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, { 'content-type': photo.type });
      if (request.method === 'HEAD') response.end();
      else void (host.held.get(path) ?? Promise.resolve()).then(() => response.end(photo.bytes));
    });
    return host;
  }

  /**
   * Keeps back the bytes of the photo of this name, so that a model's answer waits for as long as a test wants. HEAD is answered.
   * @returns lets them go
   */
  hold(name: string): () => void {
    let release = (): void => undefined;
    this.held.set(`/${name}`, new Promise<void>((resolve) => (release = resolve)));
    return release;
  }

  /** The address under which these bytes are served from now on. */
  serve(name: string, bytes: Buffer, type = 'image/jpeg'): string {
    this.photos.set(`/${name}`, { bytes, type });
    return this.url(name);
  }

  url(name: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/${name}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** A drawn car before a house; the spot is drawn where the damage shall be, in the marker's colour. */
export function drawnCar(marker = '#ff00aa', x = 330, y = 300): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="480">
    <rect width="640" height="260" fill="#b9cfe4"/><rect y="260" width="640" height="220" fill="#6d6d6d"/>
    <path d="M60 340 L120 260 L240 190 L430 190 L520 260 L590 290 L590 360 L60 360 Z" fill="#35557c"/>
    <path d="M250 205 L420 205 L480 258 L180 258 Z" fill="#dfe9f2"/>
    <circle cx="170" cy="360" r="48" fill="#111"/><circle cx="480" cy="360" r="48" fill="#111"/>
    <circle cx="${x}" cy="${y}" r="26" fill="${marker}"/></svg>`;
  return sharp(Buffer.from(svg)).jpeg({ quality: 90 }).toBuffer();
}

export function greyCard(): Promise<Buffer> {
  return sharp({ create: { width: 640, height: 480, channels: 3, background: '#808080' } })
    .jpeg()
    .toBuffer();
}

const FINDING = {
  photos: { type: 'array', items: { type: 'integer' } },
  part: { type: 'string', enum: ['door', 'bumper', 'bonnet', 'headlight', 'fender', 'windshield', 'other'] },
  type: { type: 'string' },
  description: { type: 'string' },
};

/** The schema of the small vision requests in these tests. */
export const TEST_SCHEMA = {
  type: 'object',
  properties: {
    findings: {
      type: 'array',
      items: { type: 'object', properties: FINDING, required: Object.keys(FINDING), additionalProperties: false },
    },
    summary: { type: 'string' },
    mileage: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
  },
  required: ['findings', 'summary', 'mileage'],
  additionalProperties: false,
};

/** A vision request that the real endpoint would take. */
export function visionRequest(urls: readonly string[], info = ''): JsonObject {
  const photos = urls.flatMap((url, index) => [
    { type: 'input_text', text: `Photo ${index + 1} of ${urls.length}` },
    { type: 'input_image', image_url: url, detail: 'high' },
  ]);
  return {
    model: 'gpt-5.6-terra',
    store: false,
    instructions: 'Find the damage.',
    reasoning: { effort: 'low' },
    max_output_tokens: 4000,
    text: { format: { type: 'json_schema', name: 'damage', strict: true, schema: TEST_SCHEMA } },
    input: [{ role: 'user', content: [{ type: 'input_text', text: `Listing: ${info}` }, ...photos] }],
  };
}

/** The vision request with one member changed; undefined removes it. */
export function changedRequest(urls: readonly string[], members: JsonObject): JsonObject {
  const request: JsonObject = { ...visionRequest(urls), ...members };
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
}

/** The text that a response carries. */
export function outputText(response: JsonObject): string {
  const items = response['output'] as { type: string; content?: { type: string; text?: string }[] }[];
  return items
    .flatMap((item) => item.content ?? [])
    .map((part) => part.text ?? '')
    .join('');
}

export function errorOf(answer: Answer): JsonObject {
  return answer.json['error'] as JsonObject;
}
