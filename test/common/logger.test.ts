import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { JsonLogger } from '../../src/common/logger.js';

const NAMES = [
  'authorization',
  'Authorization',
  'apiKey',
  'api_key',
  'secret',
  'secrets',
  'signature',
  'x-signature',
  'password',
  'cookie',
];

const written: string[] = [];
beforeEach(() => {
  written.length = 0;
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
  }
});
afterEach(() => vi.restoreAllMocks());

/** The lines that a call of the logger wrote. */
function linesOf(call: (logger: JsonLogger) => void): string {
  call(new JsonLogger('verbose'));
  const text = written.join('');
  written.length = 0;
  return text;
}

describe('JsonLogger', () => {
  it.each(NAMES)('JsonLogger never writes the value of %s, at whatever depth', (name) => {
    const facts = {
      [name]: 'HUSH-1',
      request: { headers: { [name]: 'HUSH-2' } },
      list: [{ [name]: ['HUSH-3'] }],
      kept: 'told',
    };
    for (const level of ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const) {
      const text = linesOf((logger) => logger[level]('a message', facts));
      expect(text).toContain('told');
      expect(text).toContain('a message');
      expect(text).not.toContain('HUSH');
    }
  });

  it('JsonLogger writes a line of JSON for each message', () => {
    const text = linesOf((logger) => logger.warn('two\nlines', { kept: 'a\nb' }));
    expect(text.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(text)).toMatchObject({ level: 'warn', message: 'two\nlines', kept: 'a\nb' });
  });
});
