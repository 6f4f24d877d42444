import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_KEY } from '../../src/home/demo-key.js';
import { sandboxed } from '../home/sandboxed.js';
import { hasInterpreter } from '../support/interpreters.js';
import { TestService } from '../support/service.js';
import { SESSIONS, type Session } from './guide-sessions.js';
import { blocksOf, GUIDES, markedBlock, type Block } from './page-blocks.js';

// Real: sh, curl and openssl, with the commands of the guides as they are printed, one after another as a reader pastes them,
// against the service with the sandbox in OpenAI's place.

const BETWEEN = '\n=== next block ===\n';

describe.runIf(hasInterpreter('curl') && hasInterpreter('openssl'))('the commands of the guides', () => {
  let service: TestService;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'guide-sessions-'));
    service = await TestService.start({
      environment: { SHARED_KEYS: '', SHARED_KEY: DEMO_KEY, BATCH_POLL_INTERVAL: '0.2' },
      change: sandboxed,
    });
  });
  afterAll(async () => {
    await service.stop();
    rmSync(folder, { recursive: true });
  });

  /** What each block printed. */
  async function paste(blocks: readonly string[]): Promise<string[]> {
    const env = {
      ...process.env,
      SERVICE: service.origin,
      SHARED_KEY: DEMO_KEY,
      DATABASE_URL: service.db.url,
    };
    const shell = spawn('sh', ['-eu'], { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
    shell.stdin.end(blocks.join(`\nprintf '${BETWEEN.replaceAll('\n', '\\n')}'\n`));
    const [printed, [code]] = await Promise.all([text(shell.stdout), once(shell, 'close')]);
    expect({ code, printed: code === 0 ? '' : printed }).toEqual({ code: 0, printed: '' });
    return printed.split(BETWEEN);
  }

  it.each(Object.entries(SESSIONS))('the commands of docs/%s run as they are printed', async (guide, session) => {
    const blocks = blocksOf(guide);
    const commands = blocks.filter(({ language }) => language === 'sh');
    expect(commands.length).toBeGreaterThan(0);
    const before = session.after.map((mark) => markedBlock('getting-started.md', mark));
    const printed = (await paste([...before, ...commands.map(({ code }) => code)])).slice(before.length);
    if (process.env['PRINT'] !== undefined) console.log(printed.join(BETWEEN));
    for (const [index, command] of commands.entries()) expectOutput(blocks, command, printed[index] ?? '', session);
  });

  it('the SQL of the guides runs as it is printed', async () => {
    const statements = GUIDES.flatMap((guide) => blocksOf(guide).filter(({ language }) => language === 'sql'));
    expect(statements.length).toBeGreaterThan(2);
    for (const { code } of statements) {
      expect(code).toMatch(/^select /);
      await service.db.database.query(code);
    }
  });

  /** A block of JSON right behind commands shows what they print: each of its members is really there, of the same kind. */
  function expectOutput(blocks: readonly Block[], command: Block, printed: string, { guide }: Session): void {
    const next = blocks[blocks.indexOf(command) + 1];
    if (next?.language !== 'json') return;
    const lines = printed.trim().split('\n');
    const answer: unknown = JSON.parse(lines.at(-1) ?? '');
    expect(answer, `${guide}: ${command.code}\nprinted ${printed}`).toEqual(shapeOf(JSON.parse(next.code)));
  }
});

/** Members whose very value a reader relies on. */
const EXACT = new Set(['code', 'status', 'error', 'processing_mode', 'language', 'format']);

/** What an answer must match to be like the printed one. */
function shapeOf(printed: unknown, name = ''): unknown {
  if (Array.isArray(printed)) {
    return printed.length === 0 ? [] : expect.arrayContaining(printed.map((each) => shapeOf(each, name)));
  }
  if (typeof printed === 'object' && printed !== null) {
    const members = Object.entries(printed).map(([key, value]) => [key, shapeOf(value, key)]);
    return expect.objectContaining(Object.fromEntries(members));
  }
  if (printed === null || EXACT.has(name)) return printed;
  return typeof printed === 'string' ? expect.any(String) : typeof printed === 'number' ? expect.any(Number) : printed;
}
