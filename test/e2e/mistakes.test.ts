import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestService } from '../support/service.js';
import { JOBS, ROUTES, TAKEN } from './mistakes/jobs.js';
import type { About } from './mistakes/mistake.js';
import { BODIES, MEMBERS } from './mistakes/requests.js';
import { SIGNING } from './mistakes/signing.js';

// Real: the whole service, HTTP, PostgreSQL. Faked: OpenAI, by the sandbox. PRINT=1 prints every answer, to be read.

const MISTAKES = [...SIGNING, ...BODIES, ...MEMBERS, ...JOBS, ...ROUTES, ...TAKEN];
let about: About;

beforeAll(async () => {
  const service = await TestService.start({ environment: { MAX_BODY_BYTES: '1048576', BATCH_POLL_INTERVAL: '0.2' } });
  const ended = await batch(service);
  await service.statusWhen(ended, ({ status }) => status === 'completed');
  const running = await batch(service);
  await service.send(`/api/v1/batch-jobs/${running}/pause`, { method: 'POST' });
  about = { service, ended, running };
});
afterAll(() => about.service.stop());

async function batch(service: TestService): Promise<string> {
  const { body } = await service.generate(service.request({ mode: 'batch' }));
  return String(body['job_id']);
}

describe('a mistake of an integrator', () => {
  it('is one of at least thirty', () => expect(MISTAKES.length).toBeGreaterThanOrEqual(30));

  it.each(MISTAKES)('$name: $status $code, and the answer says how to mend it', async ({ name, send, ...expected }) => {
    const { status, body } = await send(about);
    const { code = null, message, details } = body;
    if (process.env['PRINT'] !== undefined)
      console.log(`\n${name}\n  ${status} ${String(code)}\n  ${String(message)}\n  ${JSON.stringify(details)}`);
    expect({ status, code }).toEqual({ status: expected.status, code: expected.code });
    const said = `${String(message)} ${JSON.stringify(body)}`;
    for (const part of expected.says) {
      if (typeof part === 'string') expect(said).toContain(part);
      else expect(said).toMatch(part);
    }
  });
});
