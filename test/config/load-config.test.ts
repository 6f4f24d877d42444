import express from 'express';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { DEFAULT_WEBHOOK_SCHEDULE } from '../../src/config/webhook-retry-schedule.js';
import { proxyWarning } from '../../src/config/trust-proxy.js';
import { ConfigError } from '../../src/config/setting-reader.js';

const KEY = 'client-secret-0123456789abcdef-0123456789';

/** What is wrong with these settings, as an operator reads it; empty when nothing is. */
function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    loadConfig({ SHARED_KEY: KEY, ...environment });
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems;
  }
}

describe('loadConfig', () => {
  it('loadConfig needs nothing but a shared key', () => {
    const config = loadConfig({ SHARED_KEY: KEY });
    expect(config.role).toBe('all');
    expect(config.database.url).toBe('');
    expect([...config.auth.keys]).toEqual([['default', [KEY]]]);
    expect(config.webhook.schedule).toEqual(DEFAULT_WEBHOOK_SCHEDULE);
    expect(config.prompts.vision).toContain('version');
    expect(config.glossaries.get('en')).toContain('"tag": "en"');
  });

  it('loadConfig treats an empty variable as absent, which is how compose passes unset ones', () => {
    expect(loadConfig({ SHARED_KEY: KEY, PORT: '', SHARED_KEYS: '', WEBHOOK_SCHEDULE: '' }).http.port).toBe(3000);
  });

  it.each([
    ['INFO', 'log'],
    ['info', 'log'],
    ['WARNING', 'warn'],
    ['Warn', 'warn'],
    ['DEBUG', 'debug'],
    ['ERROR', 'error'],
    ['CRITICAL', 'fatal'],
    ['fatal', 'fatal'],
    ['verbose', 'verbose'],
    ['', 'log'],
  ])('loadConfig understands LOG_LEVEL=%s, as the older service had it or as it is written here', (written, level) => {
    expect(loadConfig({ SHARED_KEY: KEY, LOG_LEVEL: written }).log.level).toBe(level);
  });

  it.each(['chatty', 'constructor', '10'])('loadConfig refuses LOG_LEVEL=%s', (written) => {
    expect(problemsOf({ LOG_LEVEL: written })).toEqual([expect.stringMatching(/^LOG_LEVEL must be one of .*warning/)]);
  });

  it('loadConfig reports every problem at once, and never a value', () => {
    const environment = {
      PORT: '70000-sekrit',
      ROLE: 'sekrit',
      DATABASE_URL: 'mysql://user:sekrit@host/db',
      OPENAI_BASE_URL: 'ftp://sekrit',
      OPENAI_PRICES: '{"sekrit": ',
      WEBHOOK_SCHEDULE: '0,sekrit',
      SHARED_KEY: 'sekrit',
      WEBHOOK_SECRET: 'whsec_sekrit',
      DATABASE_PREPARED: 'sekrit',
      SYNC_TIMEOUT: '-1',
    };
    const problems = problemsOf(environment);
    for (const name of Object.keys(environment).filter((key) => !key.endsWith('_KEY') && !key.endsWith('_SECRET'))) {
      expect(
        problems.some((problem) => problem.includes(name)),
        name,
      ).toBe(true);
    }
    expect(problems.join('\n')).toMatch(/SHARED_KEY\(S\).*32 bytes/);
    expect(problems.join('\n')).toMatch(/WEBHOOK_SECRET\(S\)/);
    expect(problems.join('\n')).not.toContain('sekrit');
  });

  it.each(['api', 'worker', 'migrate'])('loadConfig wants a database of its own for ROLE=%s', (role) => {
    expect(problemsOf({ ROLE: role })).toEqual([expect.stringContaining('DATABASE_URL')]);
    expect(problemsOf({ ROLE: role, DATABASE_URL: 'postgres://db/x' })).toEqual([]);
  });

  it('loadConfig lets a migration run without any secret', () => {
    const config = loadConfig({ ROLE: 'migrate', DATABASE_URL: 'postgres://db/x', NODE_ENV: 'production' });
    expect(config.auth.keys.size).toBe(0);
  });

  it('loadConfig refuses the sandbox in production', () => {
    expect(problemsOf({ NODE_ENV: 'production' })).toEqual([expect.stringContaining('OPENAI_API_KEY')]);
    expect(problemsOf({ NODE_ENV: 'production', OPENAI_API_KEY: 'sk-test' })).toEqual([]);
  });

  it.each([
    ['false', false],
    ['true', true],
    ['2', 2],
    ['10.0.0.0/8, 127.0.0.1', '10.0.0.0/8, 127.0.0.1'],
  ])('loadConfig hands TRUST_PROXY=%s to Express as it understands it', (value, expected) => {
    expect(loadConfig({ SHARED_KEY: KEY, TRUST_PROXY: value }).http.trustProxy).toBe(expected);
  });

  it.each(['loopback', '::1, fc00::/7', '10.0.0.0/255.0.0.0', 'loopback,172.16.0.0/12'])(
    'loadConfig takes the proxies %s as Express does',
    (value) =>
      expect(() =>
        express().set('trust proxy', loadConfig({ SHARED_KEY: KEY, TRUST_PROXY: value }).http.trustProxy),
      ).not.toThrow(),
  );

  it.each([
    'maybe',
    '10.0.0.0/8, maybe',
    '10.0.0.0/33',
    '10.0.0.0/0',
    '10.0.0.0/255.0.255.0',
    '10.0.0.1:80',
    '-1',
    '1.5',
  ])('loadConfig names TRUST_PROXY where Express would end the start over %s', (value) => {
    expect(() => express().set('trust proxy', value)).toThrow();
    expect(problemsOf({ TRUST_PROXY: value, OPENAI_API_KEY: 'k' })).toEqual([expect.stringContaining('TRUST_PROXY')]);
  });

  it('loadConfig warns of TRUST_PROXY=true alone, and recommends what to set', () => {
    const warning = (value: string) =>
      proxyWarning(loadConfig({ SHARED_KEY: KEY, TRUST_PROXY: value }).http.trustProxy);
    expect(warning('true')).toMatch(/number of proxies.*CIDRs/);
    for (const value of ['false', '1', '10.0.0.0/8']) expect(warning(value)).toBeNull();
  });

  it('loadConfig listens on every address unless HOST names one', () => {
    expect(loadConfig({ SHARED_KEY: KEY }).http.host).toBe('::');
    expect(loadConfig({ SHARED_KEY: KEY, HOST: '127.0.0.1' }).http.host).toBe('127.0.0.1');
  });

  it('loadConfig drops the slash at the end of OPENAI_BASE_URL, so that paths are not doubled', () => {
    const { baseUrl } = loadConfig({ SHARED_KEY: KEY, OPENAI_BASE_URL: 'http://proxy.test/v1//' }).openai;
    expect(baseUrl).toBe('http://proxy.test/v1');
  });

  it.each([
    ['https://x.test/openai/v1?api-version=preview', 'https://x.test/openai/v1?api-version=preview'],
    ['https://x.test/openai/v1/?api-version=preview', 'https://x.test/openai/v1?api-version=preview'],
    ['https://x.test/v1?path=/a/', 'https://x.test/v1?path=/a/'],
    ['https://x.test/v1?a=1&a=2&b=%2F?', 'https://x.test/v1?a=1&a=2&b=%2F?'],
    ['https://x.test/v1?', 'https://x.test/v1'],
    ['https://x.test/v1/#part', 'https://x.test/v1'],
  ])('loadConfig keeps the query of OPENAI_BASE_URL and drops what is never sent: %s', (value, expected) => {
    expect(loadConfig({ SHARED_KEY: KEY, OPENAI_BASE_URL: value }).openai.baseUrl).toBe(expected);
  });

  it('loadConfig reads OPENAI_HEADERS, none by default', () => {
    const headersOf = (value: string) => loadConfig({ SHARED_KEY: KEY, OPENAI_HEADERS: value }).openai.headers;
    expect(headersOf('')).toEqual({});
    expect(headersOf('{"api-key":"k 1","Authorization":null}')).toEqual({ 'api-key': 'k 1', Authorization: null });
  });

  it.each([
    ['no JSON', 'api-key: sekrit'],
    ['a list', '["sekrit"]'],
    ['a number', '{"api-key":7}'],
    ['an empty value', '{"api-key":""}'],
    ['a line end in a value', '{"api-key":"sekrit\\r\\nX-Evil: 1"}'],
    ['a line end in a name', '{"api-key\\r\\nX-Evil":"sekrit"}'],
    ['a name that is none', '{"api key":"sekrit"}'],
    ['the same name twice', '{"api-key":"sekrit","API-Key":"sekrit"}'],
    ['the length of the body', '{"Content-Length":"sekrit"}'],
    ['the host', '{"host":"sekrit.test"}'],
  ])('loadConfig refuses OPENAI_HEADERS with %s, and names no value', (_name, value) => {
    const problems = problemsOf({ SHARED_KEY: KEY, OPENAI_HEADERS: value });
    expect(problems).toEqual([expect.stringContaining('OPENAI_HEADERS')]);
    expect(problems.join()).not.toContain('sekrit');
  });

  it('loadConfig prices cached input as input where no price of its own is given', () => {
    const { prices } = loadConfig({ SHARED_KEY: KEY, OPENAI_PRICES: '{"m":{"input":1,"output":4}}' }).openai;
    expect(prices['m']).toEqual({ input: 1, cachedInput: 1, output: 4 });
  });
});

describe('a secret in a file', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'settings-'))));

  it('a secret in a file may be that of OPENAI_HEADERS', () => {
    const file = join(folder, 'headers.json');
    writeFileSync(file, '{"api-key":"from a file"}\n');
    expect(loadConfig({ SHARED_KEY: KEY, OPENAI_HEADERS_FILE: file }).openai.headers).toEqual({
      'api-key': 'from a file',
    });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(['\n', '\r\n', ''])('a secret in a file is read without its last line end %j', (end) => {
    const file = join(folder, 'key');
    writeFileSync(file, `${KEY}${end}`);
    expect(loadConfig({ SHARED_KEY_FILE: file }).auth.keys.get('default')).toEqual([KEY]);
  });

  it('a secret in a file is refused beside the variable itself, and when it cannot be read, without its path', () => {
    const missing = join(folder, 'missing');
    expect(problemsOf({ OPENAI_API_KEY: 'sk', OPENAI_API_KEY_FILE: missing })).toEqual([
      'OPENAI_API_KEY and OPENAI_API_KEY_FILE are both set; keep one',
    ]);
    expect(problemsOf({ OPENAI_API_KEY_FILE: missing })).toEqual([
      'OPENAI_API_KEY_FILE names a file that cannot be read',
    ]);
  });
});
