// A client of the service behind a proxy: kept connections, requests signed as they are sent; behind nginx TLS with its certificate.
import { Agent, request } from 'undici';
import { sign } from '../sign.mjs';

const GENERATE = '/api/v1/generate-descriptions';

export class Client {
  /** @param keyId - where the service has several */
  constructor({ port, ca, origin = `https://localhost:${port}` }, secret, keyId) {
    this.origin = origin;
    this.secret = secret;
    this.ofKey = keyId === undefined ? {} : { 'X-Key-Id': keyId };
    this.agent = new Agent({ connect: { ca }, headersTimeout: 400_000, bodyTimeout: 400_000, pipelining: 1 });
  }

  /** @returns status, headers and the parsed body; `error` in place of them where no answer came */
  async send(path, { method = 'GET', body, headers = {} } = {}) {
    const started = performance.now();
    const seconds = () => Number(((performance.now() - started) / 1000).toFixed(2));
    try {
      const answer = await request(this.origin + path, {
        method,
        body: body ?? null,
        headers: { ...sign(this.secret, method, path, body), ...this.ofKey, ...headers },
        dispatcher: this.agent,
      });
      const text = await answer.body.text();
      const json = text.startsWith('{') ? JSON.parse(text) : {};
      return { status: answer.statusCode, headers: answer.headers, body: json, text, seconds: seconds() };
    } catch (error) {
      return {
        status: `no answer (${error.code ?? error.message})`,
        headers: {},
        body: {},
        text: '',
        seconds: seconds(),
      };
    }
  }

  generate(body, more = {}) {
    const headers = { 'Content-Type': 'application/json', ...more };
    return this.send(GENERATE, { method: 'POST', body, headers });
  }

  /** The job's events, as they come: `onEvent(id, milliseconds since 1970)`. Resolves when the stream ends. */
  async events(jobId, onEvent) {
    const path = `/api/v1/batch-jobs/${jobId}/events`;
    const answer = await request(this.origin + path, {
      headers: sign(this.secret, 'GET', path),
      dispatcher: this.agent,
    });
    let rest = '';
    for await (const chunk of answer.body) {
      const blocks = (rest + chunk.toString()).split('\n\n');
      rest = blocks.pop();
      for (const block of blocks) {
        const id = /^id: ?(.*)$/m.exec(block)?.[1];
        const kind = /^event: ?(.*)$/m.exec(block)?.[1];
        if (id !== undefined) onEvent(`${kind} ${id}`, Date.now());
      }
    }
    return answer.statusCode;
  }

  close() {
    return this.agent.destroy();
  }
}

/** A request for one lot that is answered at once, or a batch of `count` lots; `padding` makes it long. */
export function requestBody(photos, name, { mode = 'sync', count = 1, padding = 0 } = {}) {
  const lots = Array.from({ length: count }, (_, lot) => ({
    lot_id: `${name}-${lot}`,
    additional_info: `Lot ${lot} of ${name} `.padEnd(padding, '.'),
    images: [{ url: `${photos.origin}/photo/${name}-${lot}/0.jpg` }],
  }));
  return Buffer.from(JSON.stringify({ version: '1.0.0', mode, languages: ['en', 'de'], lots }));
}
