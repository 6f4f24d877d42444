import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { administer } from '../support/database.js';
import { TestService } from '../support/service.js';
import { expectRefusal } from './refusal.js';

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

it('a database that is dropped under the service is a 503, and works again once it is back', async () => {
  const job = await service.generate(service.request({ mode: 'batch' }));
  expect(job.status).toBe(201);
  const status = `/api/v1/batch-status/${String(job.body['job_id'])}`;
  const name = new URL(service.db.url).pathname.slice(1);

  await administer(`drop database ${name} with (force)`);
  const answers = await Promise.all([
    service.generate(service.request()),
    service.generate(service.request({ mode: 'batch' })),
    service.send(status),
    service.send('/api/v1/batch-jobs'),
  ]);
  for (const answer of answers) {
    expectRefusal(answer, 'SERVICE_UNAVAILABLE');
    expect(answer.headers.get('retry-after')).toBe('5');
  }

  await administer(`create database ${name} template ${inject('templateDatabase')}`);
  expect((await service.generate(service.request())).status).toBe(200);
  expect((await service.send(status)).body).toMatchObject({ code: 'JOB_NOT_FOUND' });
});
