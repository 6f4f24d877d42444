import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_KEY } from '../../src/home/demo-key.js';
import { packagePath } from '../docs/package-path.js';
import { SECRETS, TestService } from '../support/service.js';
import { sandboxed } from './sandboxed.js';

// Real: the application as main.ts makes it, with and without the sandbox in OpenAI's place.

let demo: TestService;
let other: TestService;
let paid: TestService;

beforeAll(async () => {
  demo = await TestService.start({ environment: { SHARED_KEYS: '', SHARED_KEY: DEMO_KEY }, change: sandboxed });
  other = await TestService.start({ beside: demo, change: sandboxed });
  paid = await TestService.start({ beside: demo });
});
afterAll(async () => {
  await paid.stop();
  await other.stop();
  await demo.stop();
});

async function page(service: TestService, path = '/') {
  const answer = await fetch(service.origin + path);
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

describe('the home page', () => {
  it('the demo starts the service with the key that the home page may hold', () => {
    expect(readFileSync(packagePath('scripts/demo.mjs'), 'utf8')).toContain(`'${DEMO_KEY}'`);
  });

  it('the home page is HTML under a policy that lets nothing in from elsewhere', async () => {
    const { status, headers, text } = await page(demo);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(headers.get('content-security-policy')).not.toContain('unsafe');
    expect(text).not.toMatch(/<script>|<style|style="|\son\w+="/);
    const addresses = [...text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, address]) => address);
    expect(addresses.length).toBeGreaterThan(8);
    for (const address of addresses) expect(address).toMatch(/^[/#]/);
  });

  it('the addresses of the home page are there', async () => {
    const { text } = await page(demo);
    for (const [, address = ''] of text.matchAll(/(?:href|src|data-lot)="(\/[^"]*)"/g)) {
      expect([address, (await page(demo, address)).status]).toEqual([address, 200]);
    }
  });

  it('the home page holds the demo’s key, and no other secret', async () => {
    expect((await page(demo)).text).toContain(DEMO_KEY);
    const { text } = await page(other);
    expect(text).toContain('id="try-form"');
    for (const secret of [DEMO_KEY, ...Object.values(SECRETS)]) expect(text).not.toContain(secret);
  });

  it('a service that pays OpenAI has a home page without a form and serves no photos to fetch', async () => {
    const { text } = await page(paid);
    expect(text).toContain('no model wrote it');
    expect(text).not.toContain('<form');
    expect((await page(paid, '/home-assets/cars/blue/left.svg')).status).toBe(200);
    expect((await page(paid, '/home-assets/cars/blue/left.jpg')).status).toBe(404);
    expect((await page(demo, '/home-assets/cars/blue/left.jpg')).status).toBe(200);
  });

  it('the document of the API does not list the home page', async () => {
    const { paths } = JSON.parse((await page(demo, '/openapi.json')).text) as { paths: object };
    expect(Object.keys(paths)).not.toContain('/');
  });
});
