import { execFileSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasInterpreter } from '../support/interpreters.js';
import { packagePath } from './package-path.js';

interface SignedRequest {
  readonly name: string;
  readonly key: string;
  readonly timestamp: number;
  readonly method: string;
  readonly target: string;
  readonly body: string;
  readonly signature: string;
}

const signedRequests = vectors<readonly SignedRequest[]>('signed-request-vectors.json');
const lots =
  vectors<readonly { name: string; key: string; lots_json: string; signature: string }[]>(
    'lots-signature-vectors.json',
  );
const other = vectors<{
  job_signature: { key: string; job_id: string; x_signature: string };
  list_signature: { key: string; target: string; x_signature: string };
}>('other-vectors.json');
const page = readFileSync(packagePath('docs/signing.md'), 'utf8');

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'signing-samples-'))));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the samples of docs/signing.md, as they stand there', () => {
  it.runIf(hasInterpreter('python3'))('the Python of docs/signing.md signs every request as the vectors say', () => {
    const program = `${sample('signed-request python')}
import sys
print(json.dumps([sign(v["key"], v["method"], v["target"], v["body"].encode(), v["timestamp"]) for v in json.load(sys.stdin)]))`;
    expect(runPython(program, signedRequests)).toEqual(signedRequests.map(headersOf));
  });

  it('the Node sample of docs/signing.md signs every request as the vectors say', async () => {
    const file = join(folder, 'sign.mjs');
    writeFileSync(file, sample('signed-request node'));
    const { sign } = (await import(file)) as { sign: (...values: unknown[]) => Record<string, string> };
    const signed = signedRequests.map((v) => sign(v.key, v.method, v.target, v.body, v.timestamp));
    expect(signed).toEqual(signedRequests.map(headersOf));
  });

  it('the demo, the proofs and the tests sign with the Node sample of docs/signing.md', () => {
    const signer = readFileSync(packagePath('scripts/sign.mjs'), 'utf8');
    const code = signer.slice(signer.indexOf('import '));
    expect(code).toContain('export function sign(');
    expect(sample('signed-request node')).toContain(code);
  });

  it.runIf(hasInterpreter('openssl'))(
    'the shell sample of docs/signing.md signs every request as the vectors say',
    () => {
      const program = `${sample('signed-request shell')}\nsign "$@"`;
      for (const { name, key, timestamp, method, target, body, signature } of signedRequests) {
        const values = [key, String(timestamp), method, target];
        const printed = execFileSync('sh', ['-c', program, 'sh', ...values], { input: body, encoding: 'utf8' });
        expect(printed, name).toBe(`${signature}\n`);
      }
    },
  );

  it.runIf(hasInterpreter('python3'))(
    'the README’s Python signs the vectors without a body, and hashes the JSON that it sends',
    () => {
      const readme = readFileSync(packagePath('README.md'), 'utf8').match(/^```python\n([\s\S]*?)\n```/m)?.[1];
      const program = `${readme}
import io, sys
def urlopen(request, timeout):
    return io.StringIO(json.dumps({"signature": request.headers["X-signature"], "body": (request.data or b"").decode()}))
urllib.request.urlopen = urlopen
def at(v):
    time.time = lambda: v["timestamp"]
    return call("http://service.test", v["key"], v["method"], v["target"], json.loads(v["body"] or "null"))
print(json.dumps([at(v) for v in json.load(sys.stdin)]))`;
      const sent = runPython(program, signedRequests) as { signature: string; body: string }[];
      for (const [index, { key, timestamp, method, target, body, signature }] of signedRequests.entries()) {
        const answer = sent[index];
        if (body === '') expect(answer).toEqual({ signature, body: '' });
        const digest = createHash('sha256')
          .update(answer?.body ?? '')
          .digest('hex');
        const message = ['v1', timestamp, method, target, digest].join('\n');
        expect(answer?.signature).toBe(`v1=${createHmac('sha256', key).update(message).digest('hex')}`);
      }
    },
  );

  const refusal = { code: 'INVALID_JSON', message: 'Say "this" \\n instead.', details: { seen: { method: 'GET' } } };

  it.runIf(hasInterpreter('python3'))(
    'the Python of docs/signing.md tells what the service says of a refused request',
    () => {
      const readme = readFileSync(packagePath('README.md'), 'utf8').match(/^```python\n([\s\S]*?)\n```/m)?.[1];
      for (const code of [readme, sample('signed-request python')]) {
        const program = `${code}
import io, sys
def urlopen(request, timeout):
    raise urllib.error.HTTPError(request.full_url, 400, "Bad Request", {}, io.BytesIO(sys.stdin.read().encode()))
urllib.request.urlopen = urlopen
try:
    call("http://service.test", "secret", "GET", "/x")
except Exception as error:
    print(json.dumps(str(error)))`;
        expect(runPython(program, refusal)).toBe(`INVALID_JSON: ${refusal.message} {'seen': {'method': 'GET'}}`);
      }
    },
  );

  it('the Node sample of docs/signing.md tells what the service says of a refused request', async () => {
    const file = join(folder, 'call.mjs');
    writeFileSync(file, sample('signed-request node'));
    const { call } = (await import(file)) as { call: (...values: unknown[]) => Promise<unknown> };
    const server = createServer((_request, response) => {
      response.writeHead(400).end(JSON.stringify(refusal));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      await expect(call(origin, 'secret', 'GET', '/x')).rejects.toThrow(
        `INVALID_JSON: ${refusal.message} {"seen":{"method":"GET"}}`,
      );
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it.runIf(hasInterpreter('python3'))('the Python of docs/signing.md signs all lots as the vectors say', () => {
    const program = `${sample('lots-signature python')}
import sys
print(json.dumps([lots_signature(v["key"], json.loads(v["lots_json"])) for v in json.load(sys.stdin)]))`;
    expect(runPython(program, lots)).toEqual(lots.map(({ signature }) => signature));
  });

  it.runIf(hasInterpreter('python3'))('the Python of docs/signing.md signs a job and a list as the vectors say', () => {
    const { job_signature: job, list_signature: list } = other;
    const program = `${sample('job-signature python')}
import json, sys
print(json.dumps([text_signature(*v) for v in json.load(sys.stdin)]))`;
    const signed = runPython(program, [
      [job.key, job.job_id],
      [list.key, list.target],
    ]);
    expect(signed).toEqual([job.x_signature, list.x_signature]);
  });
});

function headersOf({ timestamp, signature }: SignedRequest): Record<string, string> {
  return { 'X-Timestamp': String(timestamp), 'X-Signature': signature };
}

/** The code block that follows the sample's mark. */
function sample(name: string): string {
  const found = page.split(`<!-- sample: ${name} -->\n`)[1]?.match(/^```\w+\n([\s\S]*?)\n```/);
  if (found?.[1] === undefined) throw new Error(`docs/signing.md has no sample ${name}`);
  return found[1];
}

function runPython(program: string, input: unknown): unknown {
  const options = { input: JSON.stringify(input), encoding: 'utf8', env: { ...process.env, PYTHONUTF8: '1' } } as const;
  return JSON.parse(execFileSync('python3', ['-c', program], options));
}

function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(packagePath(`test/vectors/${name}`), 'utf8')) as T;
}
