import { readFileSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withSamplePhotos } from '../../src/docs/sample-photos.js';
import { DEMO_KEY } from '../../src/home/demo-key.js';
import { sandboxed } from '../home/sandboxed.js';
import { Browser } from '../support/browser.js';
import { hasInterpreter } from '../support/interpreters.js';
import { GENERATE, TestService } from '../support/service.js';
import { signatureHeaders } from '../support/signing.js';
import { packagePath } from './package-path.js';
import { committed } from './schema-check.js';

// Real: Debian's Chromium, Swagger UI, the service with the sandbox, axe-core. Batches are taken in and not worked on: their
// example names a receiver that does not exist.

/** What axe-core finds in Swagger UI's own markup and colours; docs/decisions.md lists the same. */
const SWAGGERS_OWN = [
  'button-name',
  'color-contrast',
  'heading-order',
  'label',
  'label-content-name-mismatch',
  'nested-interactive',
  'region',
  'scrollable-region-focusable',
  'select-name',
];

let service: TestService;
beforeAll(async () => {
  const environment = { SHARED_KEYS: '', SHARED_KEY: DEMO_KEY, ROLE: 'api' };
  service = await TestService.start({ environment, change: sandboxed });
});
afterAll(() => service.stop());

describe.runIf(hasInterpreter('chromium'))('Swagger UI in a browser', () => {
  let browser: Browser;
  beforeAll(async () => (browser = await Browser.start()));
  afterAll(() => browser.stop());

  async function violations(): Promise<string[]> {
    return (await new AxeBuilder({ page: browser.page }).analyze()).violations.map(({ id }) => id);
  }

  it('the page of the API says first to press Authorize, and its first example is described as it stands', async () => {
    const { page } = browser;
    const found = new Set<string>();
    const judge = async () => (await violations()).forEach((id) => found.add(id));
    await browser.window('desk', 'light');
    await browser.open(`${service.origin}/docs`);
    await page.waitForSelector('.opblock');
    expect(await browser.run(`document.querySelector('.info .description p').textContent`)).toMatch(/^Press Authorize/);
    await judge();
    await browser.keep('swagger-light');
    // A phone shows the page as wide as itself only if it is told so.
    expect(await browser.run(`document.querySelector('meta[name=viewport]')?.content`)).toContain('width=device-width');
    await page.click('.auth-wrapper .authorize');
    await page.waitForSelector('.modal-ux');
    await judge();
    await page.fill('#api_key_value', DEMO_KEY);
    await page.click('.modal-btn.authorize');
    await page.click('.btn-done');
    await page.click('.opblock-post .opblock-summary-control');
    await page.click('.try-out__btn');
    const answered = page.waitForResponse((answer) => answer.url().endsWith(GENERATE));
    await page.click('.execute');
    const answer = await answered;
    expect([answer.status(), await answer.json()]).toMatchObject([200, { lots: [{ status: 'completed' }] }]);
    await page.waitForSelector('.live-responses-table .highlight-code');
    await judge();
    await browser.keep('swagger-open');
    await browser.window('desk', 'dark');
    await judge();
    await browser.keep('swagger-dark');

    // What it finds is a part of what is listed: nothing of ours, and nothing that is new.
    expect([...found].filter((id) => !SWAGGERS_OWN.includes(id))).toEqual([]);
    expect(SWAGGERS_OWN.filter((id) => !found.has(id))).toEqual([]);
    expect(browser.elsewhere(service.origin)).toEqual([]);
    expect(JSON.stringify(browser.requests)).not.toContain(DEMO_KEY);
    expect(browser.complaints).toEqual([]);
  });

  it('axe-core finds nothing in what we say in the page of the API', async () => {
    await browser.window('desk', 'light');
    await browser.open(`${service.origin}/docs`);
    await browser.page.waitForSelector('.info .description');
    const { violations: ours } = await new AxeBuilder({ page: browser.page })
      .include('.info .description')
      .disableRules(['color-contrast', 'region'])
      .analyze();
    expect(ours.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
  });
});

describe('the examples of the API', () => {
  const content = committed.paths[GENERATE]?.post?.requestBody as
    { content: Record<string, { examples: Record<string, { value: object }> }> } | undefined;
  const names = Object.keys(content?.content['application/json']?.examples ?? {});

  it.each(names)('the example of %s is taken by the demo as it stands', async (name) => {
    const document = withSamplePhotos(committed as never, service.origin) as unknown as typeof committed;
    const body = document.paths[GENERATE]?.post?.requestBody as typeof content;
    const text = JSON.stringify(body?.content['application/json']?.examples[name]?.value);
    const headers = signatureHeaders(DEMO_KEY, { target: GENERATE, method: 'POST', body: text });
    const answer = await fetch(service.origin + GENERATE, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: text,
    });
    expect([answer.status, await answer.json()]).toMatchObject([name.includes('batch') ? 201 : 200, { warnings: [] }]);
  });
});

it('docs/decisions.md lists what axe-core still finds in Swagger UI', () => {
  const line = /What axe-core still finds in `\/docs` is Swagger UI's own:\*\* ([^.]*)\./.exec(
    readFileSync(packagePath('docs/decisions.md'), 'utf8').replaceAll(/\n\s*/g, ' '),
  )?.[1];
  expect([...(line ?? '').matchAll(/`([\w-]+)`/g)].map(([, id]) => id)).toEqual(SWAGGERS_OWN);
});
