import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';

const KEY = 'k'.repeat(32);
const text = readFileSync(join(import.meta.dirname, '..', '..', '.env.example'), 'utf8');
/** `NAME=value` and `# NAME=value`, the latter being how a default is shown. */
const documented = new Set([...text.matchAll(/^(?:# )?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name));

/** Every name that loadConfig asks its environment for; the second environment takes the branch of listed key ids. */
function namesRead(): Set<string> {
  const names = new Set<string>();
  const environments: Record<string, string>[] = [
    { SHARED_KEY: KEY },
    { SHARED_KEY: KEY, AUTH_LOTS_SIGNATURE: 'default' },
  ];
  for (const environment of environments) {
    loadConfig(
      new Proxy(environment, {
        get: (target, name) => {
          names.add(String(name));
          return target[String(name)];
        },
      }),
    );
  }
  return names;
}

describe('.env.example', () => {
  const read = namesRead();
  const secrets = [...read].filter((name) => name.endsWith('_FILE')).map((name) => name.slice(0, -'_FILE'.length));
  const settings = [...read].filter((name) => !name.endsWith('_FILE'));

  it('.env.example names every setting that is read, and no other', () => {
    expect(settings.length).toBeGreaterThan(50);
    expect(documented).toEqual(new Set(settings));
  });

  it('.env.example says of exactly the secrets that they may come from a file', () => {
    const marked = [...text.matchAll(/^# \(file\)[^\n]*\n(?:#[^\n]*\n)*?([A-Z_]+)=/gm)].map(([, name]) => name);
    expect(new Set(marked)).toEqual(new Set(secrets));
  });

  it('.env.example shows the defaults: setting them changes nothing', () => {
    const shown = [...text.matchAll(/^# ([A-Z][A-Z0-9_]*)=(.*)$/gm)]
      .map(([, name, value]) => [name as string, value as string] as const)
      .filter(([, value]) => !value.startsWith('{'));
    expect(shown.length).toBeGreaterThan(40);
    expect(loadConfig({ SHARED_KEY: KEY, ...Object.fromEntries(shown) })).toEqual(loadConfig({ SHARED_KEY: KEY }));
  });

  it('.env.example leaves empty what is empty by default', () => {
    const empty = [...text.matchAll(/^([A-Z][A-Z0-9_]*)=(.*)$/gm)];
    for (const [, name, value] of empty) expect(value, name).toBe('');
  });
});
