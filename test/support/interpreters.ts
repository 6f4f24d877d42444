import { spawnSync } from 'node:child_process';

/**
 * Whether a program that users' samples are written for is on this machine.
 * `npm test` needs Node alone, so what is written in another language is left out where that language is not there; in CI
 * it must be, because a sample that nobody ran is a promise that nobody kept.
 */
export function hasInterpreter(program: 'python3' | 'php' | 'openssl'): boolean {
  const found = spawnSync(program, [program === 'openssl' ? 'version' : '--version']).status === 0;
  if (!found && process.env['CI'] === 'true') throw new Error(`CI needs ${program}: samples are run by it`);
  return found;
}
