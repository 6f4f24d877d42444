import { spawnSync } from 'node:child_process';

/**
 * Whether a program for which there are samples (python3, for example) is on this machine.
 * `npm test` needs only Node, so samples in another language are left out where that language is missing. In CI it must
 * be there, because a sample that was never run may be wrong.
 */
export function hasInterpreter(program: 'python3' | 'php' | 'openssl' | 'curl' | 'chromium'): boolean {
  const found = spawnSync(program, [program === 'openssl' ? 'version' : '--version']).status === 0;
  if (!found && process.env['CI'] === 'true') throw new Error(`CI needs ${program}: samples are run by it`);
  return found;
}

/**
 * Whether a compiler is on this machine. They are large and few have all of them, so `npm test` leaves out the samples
 * of those that are missing, in CI too; `npm run prove:samples` (SAMPLES=all) demands every one.
 */
export function hasCompiler(program: 'go' | 'javac' | 'mcs'): boolean {
  const found = spawnSync(program, [program === 'go' ? 'version' : '--version']).status === 0;
  if (!found && process.env['SAMPLES'] === 'all') throw new Error(`prove:samples needs ${program}`);
  return found;
}
