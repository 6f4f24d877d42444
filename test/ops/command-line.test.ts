import { describe, expect, it } from 'vitest';
import { CommandLineError, readCommandLine } from '../../src/ops/command-line.js';
import { USAGE } from '../../src/ops/usage-text.js';

const JOB = '0190163d-8694-739b-aea5-966c26f8ad90';

const command = (...words: string[]) => readCommandLine(words).command;
function wrong(...words: string[]): string {
  try {
    readCommandLine(words);
  } catch (error) {
    if (error instanceof CommandLineError) return error.message;
    throw error;
  }
  throw new Error(`${words.join(' ')} was taken`);
}

describe('the command line of operators', () => {
  it('a command without options asks for what is usual', () => {
    expect(readCommandLine(['status'])).toEqual({ command: { name: 'status' }, json: false });
    expect(readCommandLine(['queue', '--json'])).toEqual({ command: { name: 'queue' }, json: true });
    expect(command('jobs')).toEqual({ name: 'jobs', statuses: null, keyId: null, limit: 20 });
    expect(command('failures')).toEqual({ name: 'failures', jobId: null, sinceMs: 86_400_000, keyId: null });
    expect(command('failures', JOB)).toEqual({ name: 'failures', jobId: JOB, code: null, limit: 20 });
    expect(command('receivers')).toEqual({ name: 'receivers', all: false, keyId: null, limit: 20 });
    expect(command('usage')).toEqual({ name: 'usage', by: 'day', keyId: null });
    expect(command('audit')).toEqual({ name: 'audit', jobId: null, limit: 20 });
  });

  it('options narrow what is asked for', () => {
    expect(command('jobs', '--status', 'failed,pending', '--key', 'acme', '--limit', '5')).toEqual({
      name: 'jobs',
      statuses: ['pending', 'failed'],
      keyId: 'acme',
      limit: 5,
    });
    expect(command('failures', '--since=90m')).toMatchObject({ sinceMs: 5_400_000 });
    expect(command('usage', '--from', '2026-01-01', '--group-by', 'key')).toEqual({
      name: 'usage',
      from: '2026-01-01',
      by: 'key',
      keyId: null,
    });
  });

  it('an act says why, and who if the user of the operating system is not the one', () => {
    expect(command('pause', JOB, '--reason', ' the host is down ', '--by', 'Ann')).toEqual({
      name: 'pause',
      jobId: JOB,
      warrant: { reason: 'the host is down', by: 'Ann' },
    });
    expect(command('resend', JOB, '--delivery', 'D', '--reason', 'r')).toEqual({
      name: 'resend',
      jobId: JOB,
      deliveryId: 'D',
      warrant: { reason: 'r', by: null },
    });
    expect(
      command('retry', JOB, '--codes', 'REFUSED,CANCELLED', '--lot', 'a,b', '--lot', 'c', '--reason', 'r'),
    ).toEqual({
      name: 'retry',
      jobId: JOB,
      request: { choice: { codes: ['REFUSED', 'CANCELLED'], lotIds: ['a,b', 'c'] }, dryRun: false, warnings: [] },
      warrant: { reason: 'r', by: null },
    });
  });

  it('partitions are looked at, or changed with a reason', () => {
    expect(command('partitions', 'status')).toEqual({ name: 'partitions' });
    expect(command('partitions', 'disable', '--reason', 'r')).toEqual({
      name: 'partitions disable',
      warrant: { reason: 'r', by: null },
    });
  });

  it('a dry run of a retry needs no reason, because nothing is done', () => {
    expect(command('retry', JOB, '--dry-run')).toMatchObject({ warrant: null, request: { dryRun: true } });
  });

  it.each([
    [[], 'Name a command.'],
    [['stop'], 'There is no command stop.'],
    [['constructor'], 'There is no command constructor.'],
    [['status', 'now'], 'status does not take now.'],
    [['failures', JOB, 'x'], 'failures does not take x.'],
    [['pause'], 'pause needs the id of a job.'],
    [['pause', JOB], 'pause needs --reason: it is kept with what was done.'],
    [['pause', JOB, '--reason', '  '], '--reason must have 1 to 500 characters.'],
    [['pause', JOB, '--reason', 'x'.repeat(501)], '--reason must have 1 to 500 characters.'],
    [['pause', JOB, '--reason', 'x', '--by', 'y'.repeat(101)], '--by must have 1 to 100 characters.'],
    [['pause', JOB, '--reason', 'a\0b'], '--reason must not be empty or hold what cannot be stored.'],
    [['partitions'], 'partitions needs one of status, enable, disable.'],
    [['partitions', 'off'], 'partitions needs one of status, enable, disable.'],
    [['partitions', 'enable', 'now'], 'partitions does not take now.'],
    [['partitions', 'enable'], 'partitions enable needs --reason: it is kept with what was done.'],
    [['partitions', 'status', '--reason', 'r'], '--reason goes with an act.'],
    [['retry', JOB, '--codes', 'refused', '--reason', 'r'], /^--codes must be a list of at least one of .*REFUSED/],
    [['retry', JOB, '--lot', '', '--reason', 'r'], /^--lot must be a lot_id/],
    [['jobs', '--status', 'broken'], /^--status must be all, or some of pending,/],
    [['jobs', '--limit', '0'], '--limit must be a number from 1 to 1000.'],
    [['jobs', '--limit', '1e3'], '--limit must be a number from 1 to 1000.'],
    [['failures', '--since', 'yesterday'], '--since must be a time such as 90m, 24h or 7d.'],
    [['failures', '--code', 'REFUSED'], '--code needs the id of a job.'],
    [['failures', JOB, '--since', '2h'], '--since goes without the id of a job.'],
    [['usage', '--from', '2026-02-30'], '--from must be a day such as 2026-01-31.'],
    [['usage', '--group-by', 'lot'], '--group-by must be one of day, model, mode, key.'],
    [['jobs', '--colour'], /^Unknown option '--colour'\.$/],
    [['jobs', '--key'], /^Option '--key <value>' argument missing\.$/],
  ] as const)('a wrong command line is told in one sentence (case %#)', (words, message) => {
    const said = wrong(...words);
    if (typeof message === 'string') expect(said).toBe(message);
    else expect(said).toMatch(message);
  });

  it('the usage names every command, and fits 100 columns', () => {
    for (const name of [
      'status',
      'jobs',
      'failures',
      'receivers',
      'queue',
      'usage',
      'audit',
      'retry',
      'pause',
      'resume',
      'resend',
      'partitions',
    ]) {
      expect(USAGE).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    }
    expect(USAGE.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });
});
