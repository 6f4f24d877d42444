import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packagePath } from '../docs/package-path.js';
import { TestService } from '../support/service.js';

// Real: the application as main.ts makes it, with the guides of docs/.

let service: TestService;
const names = readdirSync(packagePath('docs')).flatMap((file) => /^(.+)\.md$/.exec(file)?.[1] ?? []);
const addresses = names.map((name) => (name === 'README' ? '/docs/guides' : `/docs/guides/${name}`));

beforeAll(async () => (service = await TestService.start()));
afterAll(() => service.stop());

async function page(path: string) {
  const answer = await fetch(service.origin + path);
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

describe('the guides as pages', () => {
  it('every guide is served as HTML under a policy that lets nothing in from elsewhere', async () => {
    expect(names.length).toBeGreaterThan(12);
    for (const address of addresses) {
      const { status, headers, text } = await page(address);
      expect([address, status, headers.get('content-type')]).toEqual([address, 200, 'text/html; charset=utf-8']);
      const policy = headers.get('content-security-policy');
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
      expect(policy).not.toContain('unsafe');
      expect(text).not.toMatch(/<script>|<style|\sstyle="|\son\w+="/);
      expect(text).not.toContain('<!-- ');
      for (const [, source = ''] of text.matchAll(/<(?:script|link|img)[^>]+(?:href|src)="([^"]+)"/g)) {
        expect(source).toMatch(/^\/[a-z]/);
      }
    }
  });

  it('every link of a guide leads to a page that is there, and to a place in it that is there', async () => {
    const pages = new Map<string, string>();
    const read = async (address: string) => {
      const known = pages.get(address);
      if (known !== undefined) return known;
      const { status, text } = await page(address);
      expect([address, status]).toEqual([address, 200]);
      pages.set(address, text);
      return text;
    };
    let links = 0;
    for (const address of addresses) {
      for (const [, href = ''] of (await read(address)).matchAll(/<a [^>]*?href="([^"]+)"/g)) {
        links++;
        if (href.startsWith('http')) continue;
        const [path = '', place] = href.split('#');
        const text = await read(path === '' ? address : path);
        if (place !== undefined) expect(text, `${address}: ${href}`).toContain(`id="${place}"`);
      }
    }
    expect(links).toBeGreaterThan(300);
  });

  it('a guide that does not exist is 404, and the Swagger UI stays at /docs', async () => {
    expect((await page('/docs/guides/none')).status).toBe(404);
    expect((await page('/docs/guides/..%2f..%2fpackage')).status).toBe(404);
    const swagger = await page('/docs');
    expect([swagger.status, swagger.text.includes('swagger-ui')]).toEqual([200, true]);
  });

  it('the image for production holds the guides', () => {
    expect(readFileSync(packagePath('Dockerfile'), 'utf8')).toContain('COPY docs/*.md ./docs/\n');
    expect(readFileSync(packagePath('.dockerignore'), 'utf8').split('\n')).not.toContain('docs');
  });
});
