import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_KEY } from '../../src/home/demo-key.js';
import { HOSTILE } from '../assessment/fixtures.js';
import { packagePath } from '../docs/package-path.js';
import { hasInterpreter } from '../support/interpreters.js';
import { GENERATE, SECRETS, TestService } from '../support/service.js';
import { signatureHeaders } from '../support/signing.js';
import { sandboxed } from './sandboxed.js';

// Real: the programs that the home page shows, run as they stand against the service.

interface Snippets {
  requestText(body: object): string;
  snippets(request: object): { readonly name: string; readonly code: string }[];
}

const page = {} as Snippets;
runInNewContext(readFileSync(packagePath('src/home/browser/snippets.js'), 'utf8'), { window: page });
const run = promisify(execFile);

let service: TestService;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'home-snippets-'));
  service = await TestService.start({ environment: { SHARED_KEYS: '', SHARED_KEY: DEMO_KEY }, change: sandboxed });
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true });
});

const PROGRAMS = {
  curl: ['sh', 'sh'],
  Python: ['python3', 'py'],
  Node: [process.execPath, 'mjs'],
  PHP: ['php', 'php'],
};
const NEEDS = { curl: 'curl', Python: 'python3', Node: null, PHP: 'php' } as const;
type Name = keyof typeof PROGRAMS;
const has = (name: Name) => NEEDS[name] === null || hasInterpreter(NEEDS[name]);
const names = (Object.keys(PROGRAMS) as Name[]).filter(has);

/** What a program prints. @param key - in SHARED_KEY, where it is given */
async function print(name: Name, code: string, key?: string): Promise<Record<string, unknown>> {
  const [program = '', ending = ''] = PROGRAMS[name];
  const file = join(folder, `program.${ending}`);
  writeFileSync(file, code);
  const { SHARED_KEY: _, ...env } = process.env;
  const { stdout } = await run(program, [file], { env: { ...env, ...(key !== undefined && { SHARED_KEY: key }) } });
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** A lot whose id and notes try to end the string that they stand in. */
function requestText(): string {
  const escapes = [
    `'; exit 7; '`,
    `'''`,
    '"""',
    '$(exit 7) `exit 7` ${HOME} \\',
    '\nBODY;\n',
    '%s %d',
    '!!',
    ...HOSTILE,
  ];
  const info = escapes.join(' ').slice(0, 900);
  return page.requestText(
    service.request({ mode: 'sync' }, { lot_id: `it's "one" $HOME \`x\``, additional_info: info }),
  );
}

function codeOf(name: Name, request: object): string {
  const found = page.snippets({ origin: service.origin, ...request }).find((snippet) => snippet.name === name);
  return found?.code ?? '';
}

describe('the programs of the home page', () => {
  it.each(names)(
    'the %s of the home page describes a lot with the demo’s key, whatever the lot holds',
    async (name) => {
      const text = requestText();
      const answer = await print(name, codeOf(name, { text, demoKey: DEMO_KEY }));
      expect(answer).toMatchObject({
        total_lots: 1,
        lots: [{ lot_id: `it's "one" $HOME \`x\``, status: 'completed' }],
      });
    },
  );

  it.each(names)('the %s of the home page takes another key from SHARED_KEY and holds none', async (name) => {
    const code = codeOf(name, { text: requestText() });
    expect(code).not.toContain(DEMO_KEY);
    expect(await print(name, code, DEMO_KEY)).toMatchObject({ total_lots: 1 });
  });

  it.runIf(has('curl'))('the signed curl of the home page works without a secret', async () => {
    const text = requestText();
    const signed = {
      'Content-Type': 'application/json',
      ...signatureHeaders(DEMO_KEY, { target: GENERATE, method: 'POST', body: text }),
    };
    const code = codeOf('curl', { text, signed, demoKey: DEMO_KEY });
    for (const secret of [DEMO_KEY, SECRETS.acme]) expect(code).not.toContain(secret);
    expect(await print('curl', code)).toMatchObject({ total_lots: 1 });
  });
});
