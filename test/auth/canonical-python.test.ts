import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { hasInterpreter } from '../support/interpreters.js';
import { canonicalValue } from '../../src/auth/canonical-json.js';
import { JsonGenerator } from './json-generator.js';

const DOCUMENTS = 100_000;
const SEED = Number(process.env.CANONICAL_SEED ?? Date.now() % 1_000_000_000);
// Only a developer's machine may lack python3: the vectors are still checked there.
const hasPython = hasInterpreter('python3');

describe('canonical form against the python3 of this machine', () => {
  it.runIf(hasPython)(
    `the canonical form of ${DOCUMENTS} documents is that of python3 (CANONICAL_SEED=${SEED})`,
    async () => {
      const generator = new JsonGenerator(SEED);
      const python = spawn('python3', [join(import.meta.dirname, 'python-canonical.py')], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...process.env, PYTHONUTF8: '1' },
      });
      const ended = once(python, 'close');
      const waiting: string[] = [];
      let compared = 0;
      let differing: { source: string; python: string; ours: string } | undefined;
      createInterface({ input: python.stdout }).on('line', (line) => {
        const source = waiting[compared++] as string;
        const ours = canonicalValue(source);
        if (ours !== line) differing ??= { source, python: line, ours };
      });
      for (let index = 0; index < DOCUMENTS && python.exitCode === null; index++) {
        const source = index % 2 === 0 ? generator.lot() : generator.space() + generator.value() + generator.space();
        waiting.push(source);
        if (!python.stdin.write(`${Buffer.from(source).toString('base64')}\n`)) {
          await Promise.race([once(python.stdin, 'drain'), ended]);
        }
      }
      python.stdin.end();
      await ended;
      expect(differing).toBeUndefined();
      expect(compared).toBe(DOCUMENTS);
    },
  );
});
