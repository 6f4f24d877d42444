import { createHash, createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOSTILE } from '../assessment/fixtures.js';
import { Browser, SIZES } from '../support/browser.js';
import { hasInterpreter } from '../support/interpreters.js';
import { GENERATE, SECRETS, TestService } from '../support/service.js';

// Real: Debian's Chromium, the page, and the service, which refuses each of these requests before the page is asked why.

const SECRET = SECRETS.acme;
const LOTS = [{ lot_id: 'one', images: [{ url: 'https://cdn.example.com/1.jpg' }] }];
const BODY = JSON.stringify({ version: '1.0.0', languages: ['en'], lots: LOTS });
const PRETTY = JSON.stringify(JSON.parse(BODY), null, 2);
const LIST = '/api/v1/batch-jobs?limit=10';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, message: string, encoding: 'hex' | 'base64' = 'hex') =>
  createHmac('sha256', key).update(message).digest(encoding);

/** What a program does wrong: each member in place of what is right. */
interface Program {
  readonly name: string;
  /** The part that the page must mark. */
  readonly part: string;
  /** A word of what it must say. */
  readonly says: string;
  readonly method?: string;
  readonly target?: string;
  readonly sentBody?: string;
  readonly secret?: string | Buffer;
  readonly ageSeconds?: number;
  readonly timestamp?: string;
  /** Lines of the string to sign, changed. */
  readonly lines?: (lines: string[]) => string[];
  readonly signature?: (right: { mac: string; message: string }) => string;
}

const posted = (change: Omit<Program, 'method' | 'target'>): Program => ({
  method: 'POST',
  target: GENERATE,
  ...change,
});
const listed = (change: Omit<Program, 'method' | 'target'>): Program => ({
  method: 'GET',
  target: LIST,
  sentBody: '',
  ...change,
});
const digestLine = (digest: string) => (lines: string[]) => [...lines.slice(0, 4), digest];

const MISTAKES: readonly Program[] = [
  posted({
    name: 'a body serialised again',
    part: 'SHA-256 of the body',
    says: 'as JavaScript writes it',
    sentBody: PRETTY,
    lines: digestLine(sha256(BODY)),
  }),
  posted({
    name: 'a line end behind the body',
    part: 'SHA-256 of the body',
    says: 'a line end at the end',
    lines: digestLine(sha256(`${BODY}\n`)),
  }),
  posted({
    name: 'spaces of Python in the body',
    part: 'SHA-256 of the body',
    says: 'as Python writes it',
    lines: digestLine(sha256(BODY.replaceAll(':', ': ').replaceAll(',', ', ').replaceAll(': //', '://'))),
  }),
  posted({
    name: 'a line end behind the secret',
    part: 'Secret',
    says: 'a line end at its end',
    secret: `${SECRET}\n`,
  }),
  posted({ name: 'a space behind the secret', part: 'Secret', says: 'a space at its end', secret: `${SECRET} ` }),
  posted({ name: 'a secret decoded from hex', part: 'Secret', says: 'from hex', secret: Buffer.from(SECRET, 'hex') }),
  posted({
    name: 'a secret decoded from base64',
    part: 'Secret',
    says: 'from base64',
    secret: Buffer.from(SECRET, 'base64'),
  }),
  listed({
    name: 'a path without its query',
    part: 'Path with query',
    says: 'without its query',
    lines: (lines) => lines.with(3, '/api/v1/batch-jobs'),
  }),
  listed({
    name: 'a path with its host',
    part: 'Path with query',
    says: 'Sign the path with its query alone',
    lines: (lines) => lines.with(3, 'https://api.example.com/api/v1/batch-jobs?limit=10'),
  }),
  posted({
    name: 'another method',
    part: 'Method',
    says: 'signed the method GET',
    lines: (lines) => lines.with(2, 'GET'),
  }),
  posted({
    name: 'a method in small letters',
    part: 'Method',
    says: 'signed the method post',
    lines: (lines) => lines.with(2, 'post'),
  }),
  listed({ name: 'a clock that is behind', part: 'X-Timestamp', says: 'seconds behind', ageSeconds: 900 }),
  listed({ name: 'a clock that is ahead', part: 'X-Timestamp', says: 'seconds ahead of', ageSeconds: -900 }),
  listed({ name: 'milliseconds', part: 'X-Timestamp', says: 'in milliseconds', timestamp: String(Date.now()) }),
  listed({
    name: 'milliseconds in what is signed',
    part: 'X-Timestamp',
    says: 'in milliseconds',
    lines: (lines) => lines.with(1, `${lines[1]}000`),
  }),
  posted({
    name: 'upper case',
    part: 'X-Signature',
    says: 'upper case',
    signature: ({ mac }) => `v1=${mac.toUpperCase()}`,
  }),
  posted({
    name: 'base64',
    part: 'X-Signature',
    says: 'base64',
    signature: ({ message }) => `v1=${hmac(SECRET, message, 'base64')}`,
  }),
  posted({ name: 'no prefix', part: 'X-Signature', says: 'lacks v1=', signature: ({ mac }) => mac }),
  posted({
    name: 'the prefix of scheme 2',
    part: 'X-Signature',
    says: 'sha256=',
    signature: ({ mac }) => `sha256=${mac}`,
  }),
  posted({
    name: 'the signature of scheme 2',
    part: 'X-Signature',
    says: 'over the lots (scheme 2)',
    signature: () => `v1=${hmac(SECRET, '[{"images":[{"url":"https://cdn.example.com/1.jpg"}],"lot_id":"one"}]')}`,
  }),
  posted({
    name: 'a signature over the body',
    part: 'X-Signature',
    says: 'over the raw body',
    signature: () => `v1=${hmac(SECRET, BODY)}`,
  }),
  posted({
    name: 'a digest in upper case',
    part: 'SHA-256 of the body',
    says: 'digest in upper case',
    lines: digestLine(sha256(BODY).toUpperCase()),
  }),
  posted({
    name: 'a line end behind all',
    part: 'X-Signature',
    says: 'behind the last line',
    lines: (lines) => [...lines, ''],
  }),
  posted({ name: 'another secret', part: 'Secret', says: 'another one', secret: SECRETS.beta.replace(/./, 'x') }),
  posted({
    name: 'two mistakes at once',
    part: 'Secret',
    says: 'a line end at its end',
    secret: `${SECRET}\n`,
    lines: (lines) => lines.with(2, 'post'),
  }),
];

/** What is written into the page. */
interface Asked {
  readonly method: string;
  readonly target: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly answer: string;
}

interface Found {
  readonly fits: boolean;
  readonly mistakes: string[];
  readonly wrong: string[];
}

describe.runIf(hasInterpreter('chromium'))('the page that checks a signature', () => {
  let service: TestService;
  let browser: Browser;

  beforeAll(async () => {
    service = await TestService.start();
    browser = await Browser.start();
  });
  afterAll(async () => {
    await browser.stop();
    await service.stop();
  });

  /** A program's request, as it was sent, and the service's answer. */
  async function sent(program: Program) {
    const { method = 'GET', target = LIST, sentBody = BODY, secret = SECRET, ageSeconds = 0 } = program;
    const timestamp = program.timestamp ?? String(Math.floor(Date.now() / 1000) - ageSeconds);
    const right = ['v1', timestamp, method, target, sha256(sentBody)];
    const message = (program.lines?.(right) ?? right).join('\n');
    const mac = hmac(secret, message);
    const signature = program.signature?.({ mac, message }) ?? `v1=${mac}`;
    const headers = { 'X-Timestamp': timestamp, 'X-Signature': signature };
    const options = {
      method,
      headers: { 'Content-Type': 'application/json', ...headers },
      ...(sentBody !== '' && { body: sentBody }),
    };
    const answer = await fetch(service.origin + target, options);
    return { method, target, headers, body: sentBody, status: answer.status, answer: await answer.text() };
  }

  const openPage = () => browser.open(`${service.origin}/docs/signing-page`);
  const fieldsOf = (asked: Asked, secret: string): [selector: string, value: string][] => [
    ['#method', asked.method],
    ['#address', asked.target.startsWith('/') ? `https://api.example.com${asked.target}` : asked.target],
    [
      '#headers',
      Object.entries(asked.headers)
        .map(([name, value]) => `${name}: ${value}`)
        .join('\n'),
    ],
    ['#body', asked.body],
    ['#secret', secret],
    ['#refusal', asked.answer],
  ];

  async function whatItSays(): Promise<Found> {
    await browser.until(`!document.getElementById('found').hidden`);
    return browser.run<Found>(`({
      fits: document.getElementById('verdict').classList.contains('fits'),
      mistakes: [...document.querySelectorAll('#verdict li')].map((item) => item.textContent),
      wrong: [...document.querySelectorAll('#parts tr.wrong th')].map((cell) => cell.textContent) })`);
  }

  /** Opens the page, writes a request into it as a person does, and returns what it says. */
  async function check(asked: Asked, secret = SECRET): Promise<Found> {
    await openPage();
    for (const [selector, value] of fieldsOf(asked, secret)) await browser.page.fill(selector, value);
    await browser.page.click('#check-form button');
    return whatItSays();
  }

  /** Does the same in the page that is open, all at once: a tenth of the time, for lists of requests. */
  async function checkAtOnce(asked: Asked, secret = SECRET): Promise<Found> {
    await browser.run(`{
      for (const [selector, value] of ${JSON.stringify(fieldsOf(asked, secret))})
        document.querySelector(selector).value = value;
      document.getElementById('found').hidden = true;
      document.querySelector('#check-form button').click();
    }`);
    return whatItSays();
  }

  function expectNothingLeft(secret = SECRET): void {
    expect(browser.elsewhere(service.origin)).toEqual([]);
    expect(JSON.stringify(browser.requests)).not.toContain(secret);
    expect(browser.requests.every(({ postData }) => postData === null)).toBe(true);
    expect(browser.complaints).toEqual([]);
  }

  it.each(MISTAKES)('the page finds $name, with the answer of the service and without', async (program) => {
    const request = await sent(program);
    expect([401, 403]).toContain(request.status);
    await openPage();
    for (const answer of [request.answer, '']) {
      const found = await checkAtOnce({ ...request, answer });
      expect(found.fits).toBe(false);
      expect(found.mistakes.join('\n')).toContain(program.says);
      expect(found.wrong).toContain(program.part);
      if (program.name !== 'two mistakes at once') expect(found.wrong).toEqual([program.part]);
      expectNothingLeft();
    }
  });

  it('the page finds nothing wrong with a request that the service takes', async () => {
    const request = await sent({ name: 'right', part: '', says: '', method: 'GET', target: LIST, sentBody: '' });
    expect(request.status).toBe(200);
    expect(await check({ ...request, answer: '' })).toEqual({ fits: true, mistakes: [], wrong: [] });
    expect(await browser.run(`document.getElementById('to-sign').textContent`)).toContain(`GET\n${LIST}\n`);
    await browser.keep('signing-right');
  });

  it('the page tells a right signature of scheme 2 from a wrong one', async () => {
    const fields = { method: 'POST', target: GENERATE, body: BODY, answer: '' };
    const lots = hmac(SECRET, '[{"images":[{"url":"https://cdn.example.com/1.jpg"}],"lot_id":"one"}]');
    const found = await check({ ...fields, headers: { 'X-Signature': `sha256=${lots}` } });
    expect(found.mistakes).toEqual([
      expect.stringContaining('a signature of scheme 2, over the lots. It is right only where'),
    ]);
    const wrong = await check({ ...fields, headers: { 'X-Signature': `sha256=${hmac(SECRETS.beta, lots)}` } });
    expect(wrong.mistakes).toEqual([expect.stringContaining('Neither this request nor one of the usual mistakes')]);
  });

  it('the page says what a proxy changed, by the answer of the service', async () => {
    const request = await sent(
      posted({ name: '', part: '', says: '', sentBody: PRETTY, lines: digestLine(sha256(BODY)) }),
    );
    const seen = {
      method: 'GET',
      target: '/inner/batch-jobs',
      body_sha256: sha256(`${BODY}\n`),
      server_time: new Date().toISOString(),
    };
    const found = await check({ ...request, body: BODY, answer: JSON.stringify({ details: { seen } }) });
    expect(found.wrong).toEqual(['Method', 'Path with query', 'SHA-256 of the body']);
    expect(found.mistakes.join('\n')).toContain('The service received the body typed here: with a line end at the end');
  });

  it('the bytes of a file are hashed as they are', async () => {
    const body = `{"a": 1}\r\n`;
    const request = await sent({ ...posted({ name: '', part: '', says: '', sentBody: body }) });
    await openPage();
    await browser.page.setInputFiles('#file', {
      name: 'body.json',
      mimeType: 'application/json',
      buffer: Buffer.from(body),
    });
    await browser.page.fill(
      '#headers',
      Object.entries(request.headers)
        .map((line) => line.join(': '))
        .join('\n'),
    );
    await browser.page.fill('#secret', SECRET);
    await browser.page.click('#check-form button');
    await browser.until(`document.getElementById('verdict').classList.contains('fits')`);
    expectNothingLeft();
  });

  it('hostile strings in the page stay text, and the secret is nowhere in it', async () => {
    await openPage();
    for (const hostile of HOSTILE) {
      const headers = { 'X-Timestamp': hostile, 'X-Signature': hostile };
      await checkAtOnce({ method: hostile, target: hostile, headers, body: hostile, answer: hostile });
      const html = await browser.run<string>(`document.documentElement.outerHTML`);
      expect(html).not.toMatch(/<img|<svg|<iframe|<script>alert/);
      expect(html).not.toContain(SECRET);
      expectNothingLeft();
    }
    expect(await browser.run('[localStorage.length, sessionStorage.length, document.cookie]')).toEqual([0, 0, '']);
  });

  it('the page may connect to nothing at all', async () => {
    const { headers } = await fetch(`${service.origin}/docs/signing-page`);
    expect(headers.get('content-security-policy')).toContain("connect-src 'none'");
    await openPage();
    await expect(browser.run(`fetch('/health')`)).rejects.toThrow();
  });

  it.each([
    ['desk', 'light'],
    ['desk', 'dark'],
    ['phone', 'light'],
    ['phone', 'dark'],
  ] as const)('axe-core finds nothing in the page that checks a signature, on a %s, %s', async (size, scheme) => {
    await browser.window(size, scheme);
    const request = await sent(MISTAKES[0] as Program);
    await openPage();
    expect(await browser.violations()).toEqual([]);
    await check({ ...request, answer: '' });
    expect(await browser.violations()).toEqual([]);
    expect(await browser.run('document.documentElement.scrollWidth')).toBeLessThanOrEqual(SIZES[size][0]);
    await browser.keep(`signing-${size}-${scheme}`);
  });
});
