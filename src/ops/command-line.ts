import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ServiceError } from '../common/service-error.js';
import { checkRetry, type RetryRequest } from '../generation/retry/retry-request.js';
import { characters, isStorable, type FieldProblem } from '../generation/request/field-problems.js';
import { OPERATOR_USAGE_GROUPS, type OperatorUsageGroup } from '../jobs/key-usage-store.js';
import { JOB_STATUSES, type JobStatus } from '../jobs/states.js';
import { isDay } from '../polling/days.js';

/** The command line is wrong; the message says what, in one sentence. */
export class CommandLineError extends Error {
  override readonly name = 'CommandLineError';
}

/** Why something is done, and by whom; `by` null: the user of the operating system. */
export interface Warrant {
  readonly reason: string;
  readonly by: string | null;
}

export type Reading =
  | { readonly name: 'status' | 'queue' | 'partitions' }
  /** `statuses` null: unfinished jobs. */
  | { name: 'jobs'; statuses: readonly JobStatus[] | null; keyId: string | null; limit: number }
  /** `jobId` null: over all jobs, by code. */
  | { name: 'failures'; jobId: null; sinceMs: number; keyId: string | null }
  | { name: 'failures'; jobId: string; code: string | null; limit: number }
  | { name: 'receivers'; all: boolean; keyId: string | null; limit: number }
  | { name: 'usage'; from?: string; to?: string; by: OperatorUsageGroup; keyId: string | null }
  | { name: 'audit'; jobId: string | null; limit: number };

type JobAct =
  | { name: 'retry'; jobId: string; request: RetryRequest; warrant: Warrant }
  | { name: 'pause' | 'resume'; jobId: string; warrant: Warrant }
  /** `deliveryId` null: all deliveries of the job's end. */
  | { name: 'resend'; jobId: string; deliveryId: string | null; warrant: Warrant };

/** Not on a job but on the tables of all jobs. */
export interface PartitionsAct {
  readonly name: 'partitions enable' | 'partitions disable';
  readonly warrant: Warrant;
}

export type Act = JobAct | PartitionsAct;

/** What a retry would be; nothing is done. */
export interface DryRetry {
  readonly name: 'retry';
  readonly jobId: string;
  readonly request: RetryRequest;
  readonly warrant: null;
}

export type Command = Reading | Act | DryRetry;

export interface CommandLine {
  readonly command: Command;
  readonly json: boolean;
}

export function isAct(command: Command): command is Act {
  return 'warrant' in command && command.warrant !== null;
}

type Options = NonNullable<ParseArgsConfig['options']>;

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;
const WARRANT = { reason: TEXT, by: TEXT };

/** Each command's options, and whether it takes a job, or one of some words. */
const COMMANDS = {
  status: { job: 'none', options: {} },
  jobs: { job: 'none', options: { status: TEXT, key: TEXT, limit: TEXT } },
  failures: { job: 'may', options: { since: TEXT, key: TEXT, code: TEXT, limit: TEXT } },
  receivers: { job: 'none', options: { all: FLAG, key: TEXT, limit: TEXT } },
  queue: { job: 'none', options: {} },
  usage: { job: 'none', options: { from: TEXT, to: TEXT, 'group-by': TEXT, key: TEXT } },
  audit: { job: 'may', options: { limit: TEXT } },
  retry: {
    job: 'must',
    options: { codes: TEXT, lot: { ...TEXT, multiple: true }, 'dry-run': FLAG, ...WARRANT },
  },
  pause: { job: 'must', options: WARRANT },
  resume: { job: 'must', options: WARRANT },
  resend: { job: 'must', options: { delivery: TEXT, ...WARRANT } },
  partitions: { job: 'none', words: ['status', 'enable', 'disable'], options: WARRANT },
} as const satisfies Record<string, { job: 'none' | 'may' | 'must'; words?: readonly string[]; options: Options }>;

type Name = keyof typeof COMMANDS;
type Values = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

const DEFAULT_LIMIT = 20;
const MOST_ROWS = 1000;
const MOST_REASON = 500;
const MOST_NAME = 100;
const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SINCE = /^([1-9]\d{0,3})([mhd])$/;

/**
 * @param words - what stands behind `npm run ops --`
 * @throws CommandLineError
 */
export function readCommandLine(words: readonly string[]): CommandLine {
  const [name = '', ...rest] = words;
  if (!Object.hasOwn(COMMANDS, name)) {
    throw new CommandLineError(name === '' ? 'Name a command.' : `There is no command ${name}.`);
  }
  const asked = COMMANDS[name as Name];
  const { job, options } = asked;
  const { values, positionals } = parsed(rest, { ...options, json: FLAG });
  if ('words' in asked) {
    const [word, surplus] = positionals;
    const words: readonly string[] = asked.words;
    if (word === undefined || !words.includes(word))
      throw new CommandLineError(`${name} needs one of ${words.join(', ')}.`);
    if (surplus !== undefined) throw new CommandLineError(`${name} does not take ${surplus}.`);
    return { command: partitionsOf(word, values), json: values['json'] === true };
  }
  const [jobId, ...more] = positionals;
  if (job === 'must' && jobId === undefined) throw new CommandLineError(`${name} needs the id of a job.`);
  const surplus = job === 'none' ? jobId : more[0];
  if (surplus !== undefined) throw new CommandLineError(`${name} does not take ${surplus}.`);
  return { command: commandOf(name as Exclude<Name, 'partitions'>, jobId, values), json: values['json'] === true };
}

function parsed(args: string[], options: Options): { values: Values; positionals: string[] } {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: true });
  } catch (error) {
    // Node says what is wrong in the first sentence, and how programs could mean it in the others.
    throw new CommandLineError(`${(error as Error).message.split(/\.\s/)[0]?.replace(/\.$/, '')}.`);
  }
}

function partitionsOf(word: string, values: Values): Reading | PartitionsAct {
  if (word === 'status') {
    refuseWith(values, ['reason', 'by'], 'goes with an act');
    return { name: 'partitions' };
  }
  const name = word === 'enable' ? 'partitions enable' : 'partitions disable';
  return { name, warrant: warrantOf(name, values) };
}

function commandOf(name: Exclude<Name, 'partitions'>, jobId: string | undefined, values: Values): Command {
  const job = jobId ?? '';
  switch (name) {
    case 'status':
    case 'queue':
      return { name };
    case 'jobs':
      return { name, statuses: statusesOf(values), keyId: text(values, 'key'), limit: limitOf(values) };
    case 'failures':
      if (jobId === undefined) {
        refuseWith(values, ['code', 'limit'], 'needs the id of a job');
        return { name, jobId: null, sinceMs: sinceOf(values), keyId: text(values, 'key') };
      }
      refuseWith(values, ['since', 'key'], 'goes without the id of a job');
      return { name, jobId, code: text(values, 'code'), limit: limitOf(values) };
    case 'receivers':
      return { name, all: values['all'] === true, keyId: text(values, 'key'), limit: limitOf(values) };
    case 'usage':
      return { name, ...days(values), by: groupOf(values), keyId: text(values, 'key') };
    case 'audit':
      return { name, jobId: jobId ?? null, limit: limitOf(values) };
    case 'retry': {
      const request = retryOf(values);
      return { name, jobId: job, request, warrant: request.dryRun ? null : warrantOf(name, values) } as Act | DryRetry;
    }
    case 'pause':
    case 'resume':
      return { name, jobId: job, warrant: warrantOf(name, values) };
    case 'resend':
      return { name, jobId: job, deliveryId: text(values, 'delivery'), warrant: warrantOf(name, values) };
  }
}

function text(values: Values, option: string): string | null {
  const value = values[option];
  if (value === undefined) return null;
  if (typeof value === 'string' && value !== '' && isStorable(value)) return value;
  throw new CommandLineError(`--${option} must not be empty or hold what cannot be stored.`);
}

function refuseWith(values: Values, options: readonly string[], why: string): void {
  const wrong = options.find((option) => values[option] !== undefined);
  if (wrong !== undefined) throw new CommandLineError(`--${wrong} ${why}.`);
}

function limitOf(values: Values): number {
  const value = text(values, 'limit');
  if (value === null) return DEFAULT_LIMIT;
  if (/^\d{1,4}$/.test(value) && Number(value) >= 1 && Number(value) <= MOST_ROWS) return Number(value);
  throw new CommandLineError(`--limit must be a number from 1 to ${MOST_ROWS}.`);
}

function statusesOf(values: Values): readonly JobStatus[] | null {
  const value = text(values, 'status');
  if (value === null) return null;
  if (value === 'all') return JOB_STATUSES;
  const words = value.split(',');
  const statuses = JOB_STATUSES.filter((status) => words.includes(status));
  if (words.every((word) => (statuses as readonly string[]).includes(word))) return statuses;
  throw new CommandLineError(`--status must be all, or some of ${JOB_STATUSES.join(',')}.`);
}

function sinceOf(values: Values): number {
  const [, count, unit] = SINCE.exec(text(values, 'since') ?? '24h') ?? [];
  if (count === undefined) throw new CommandLineError('--since must be a time such as 90m, 24h or 7d.');
  return Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS];
}

function days(values: Values): { from?: string; to?: string } {
  const chosen = { from: text(values, 'from'), to: text(values, 'to') };
  for (const [option, day] of Object.entries(chosen)) {
    if (day !== null && !isDay(day)) throw new CommandLineError(`--${option} must be a day such as 2026-01-31.`);
  }
  const { from, to } = chosen;
  return { ...(from === null ? {} : { from }), ...(to === null ? {} : { to }) };
}

function groupOf(values: Values): OperatorUsageGroup {
  const value = text(values, 'group-by') ?? 'day';
  const group = OPERATOR_USAGE_GROUPS.find((each) => each === value);
  if (group === undefined) throw new CommandLineError(`--group-by must be one of ${OPERATOR_USAGE_GROUPS.join(', ')}.`);
  return group;
}

/** Checked by the rules of the API's own retry. */
function retryOf(values: Values): RetryRequest {
  try {
    return checkRetry({
      ...(values['codes'] === undefined ? {} : { codes: String(values['codes']).split(',') }),
      ...(values['lot'] === undefined ? {} : { lot_ids: values['lot'] }),
      dry_run: values['dry-run'] === true,
    });
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const [problem] = (error.details as { fields: readonly FieldProblem[] }).fields;
    const option = problem?.path === 'codes' ? '--codes' : '--lot';
    throw new CommandLineError(`${option} ${problem?.rule}.`);
  }
}

function warrantOf(name: Act['name'], values: Values): Warrant {
  if (values['reason'] === undefined)
    throw new CommandLineError(`${name} needs --reason: it is kept with what was done.`);
  return {
    reason: sentence(values, 'reason', MOST_REASON),
    by: values['by'] === undefined ? null : sentence(values, 'by', MOST_NAME),
  };
}

function sentence(values: Values, option: string, most: number): string {
  const value = (text(values, option) ?? '').trim();
  if (value !== '' && characters(value) <= most) return value;
  throw new CommandLineError(`--${option} must have 1 to ${most} characters.`);
}
