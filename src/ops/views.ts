// What people see of the documents: plain tables, at most 100 places wide.
import type {
  ActRow,
  FailedLotRow,
  FailureRow,
  JobRow,
  ModelRow,
  ReceiverRow,
  ShardRow,
  UsageRow,
  WorkerRow,
} from './documents.js';
import type { PartitionRow, PartitionsDocument } from './partition-reading.js';
import type { StatusDocument } from './status.js';
import { line, table, type Column } from './table.js';
import { counted, duration, usd, whole } from './wording.js';

const WORKERS: Column<WorkerRow>[] = [
  { title: 'worker', of: ({ id }) => id, whole: true },
  { title: 'role', of: ({ role }) => role },
  { title: 'last beat', of: ({ beat_age_seconds: age }) => `${duration(age)} ago` },
  { title: '', of: ({ alive }) => (alive ? 'alive' : 'gone') },
  { title: 'started', of: ({ started_at: at }) => at },
];
const JOBS: Column<JobRow>[] = [
  { title: 'job', of: ({ job_id: id }) => id, whole: true },
  { title: 'key', of: ({ key }) => key },
  { title: 'status', of: ({ status }) => status, whole: true },
  { title: 'done', of: ({ processed_lots: lots }) => whole(lots), right: true },
  { title: 'failed', of: ({ failed_lots: lots }) => whole(lots), right: true },
  { title: 'lots', of: ({ total_lots: lots }) => whole(lots), right: true },
  { title: 'age', of: ({ age_seconds: age }) => duration(age), right: true },
  { title: 'paused', of: pausedWords },
];
const FAILURES: Column<FailureRow>[] = [
  { title: 'code', of: ({ code }) => code },
  { title: 'lots', of: ({ lots }) => whole(lots), right: true },
  { title: 'jobs', of: ({ jobs }) => whole(jobs), right: true },
  { title: 'first', of: ({ first }) => first },
  { title: 'last', of: ({ last }) => last },
];
const FAILED_LOTS: Column<FailedLotRow>[] = [
  { title: 'lot', of: ({ lot_id: id }) => id },
  { title: 'code', of: ({ code }) => code },
  { title: 'message', of: ({ message }) => message },
];
const RECEIVERS: Column<ReceiverRow>[] = [
  { title: 'key', of: ({ key }) => key },
  { title: 'receiver', of: ({ origin }) => origin },
  { title: 'circuit', of: ({ circuit }) => circuit },
  { title: 'waiting', of: ({ pending }) => whole(pending), right: true },
  { title: 'given up', of: ({ given_up: lost }) => whole(lost), right: true },
  { title: 'failures', of: ({ failures_in_a_row: row }) => whole(row), right: true },
  { title: 'last success', of: ({ last_success_at: at }) => at ?? 'never' },
];
const SHARDS: Column<ShardRow>[] = [
  { title: 'model', of: ({ model }) => model },
  { title: 'stage', of: ({ stage }) => stage },
  { title: 'state', of: ({ status }) => status },
  { title: 'reason', of: ({ reason }) => reason ?? '' },
  { title: 'shards', of: ({ shards }) => whole(shards), right: true },
  { title: 'lots', of: ({ lots }) => whole(lots), right: true },
  { title: 'oldest', of: ({ oldest_seconds: age }) => duration(age), right: true },
  { title: 'next look', of: ({ next_check_at: at }) => at.slice('2026-01-31T'.length) },
];
const MODELS: Column<ModelRow>[] = [
  { title: 'model', of: ({ model }) => model },
  { title: 'batches', of: ({ batches }) => whole(batches), right: true },
  { title: 'tokens in the queue', of: ({ enqueued_tokens: tokens }) => whole(tokens), right: true },
  { title: 'limit', of: ({ token_limit: limit }) => (limit === null ? 'not known' : whole(limit)), right: true },
  { title: 'paused until', of: ({ paused_until: until }) => until ?? '' },
  { title: 'reason', of: ({ reason }) => reason ?? '' },
];
const ACTS: Column<ActRow>[] = [
  { title: 'when', of: ({ begun_at: at }) => at, whole: true },
  { title: 'who', of: ({ by }) => by },
  { title: 'act', of: ({ act }) => act },
  { title: 'job', of: ({ job_id: id }) => id ?? '', whole: true },
  { title: 'result', of: ({ result }) => (result === null ? 'not known' : resultWords(result)) },
  { title: 'reason', of: ({ reason }) => reason },
];

const PARTITIONS: Column<PartitionRow>[] = [
  { title: 'partition', of: ({ name }) => name, whole: true },
  { title: 'kind', of: ({ kind }) => kind },
  { title: 'from', of: ({ from }) => from ?? '' },
  { title: 'to', of: ({ to }) => to ?? '' },
  { title: 'MB', of: ({ bytes }) => (bytes / 1e6).toFixed(1), right: true },
];

export function statusText(status: StatusDocument): string {
  const { workers, jobs, webhooks, models, queue, failures_last_day: failures } = status;
  return paragraphs([
    `Status at ${status.at}`,
    status.attention.length === 0 && status.unknown.length === 0
      ? 'Nothing needs attention.'
      : status.attention.map((words) => line(`! ${words}`)).join('\n'),
    status.unknown.map(({ part, why }) => line(`? ${part}: not known (${why})`)).join('\n'),
    titled('Workers', workers, WORKERS, 'none'),
    jobs === null ? '' : jobsNow(jobs),
    webhooks === null ? '' : webhooksNow(webhooks),
    titled('At OpenAI and before', queue, SHARDS, 'nothing waits'),
    titled('Models', models, MODELS, 'nothing was sent yet'),
    titled('Failed lots of the last day', failures, FAILURES, 'none'),
  ]);
}

function jobsNow({
  unfinished,
  oldest_unfinished_lot: oldest,
  ended_last_day: ended,
}: NonNullable<StatusDocument['jobs']>) {
  return paragraphs([
    titled(
      'Jobs',
      unfinished,
      [
        { title: 'status', of: ({ status }) => status },
        { title: 'jobs', of: ({ jobs }) => whole(jobs), right: true },
        { title: 'of them paused', of: ({ paused }) => whole(paused), right: true },
        { title: 'lots left', of: ({ unfinished_lots: lots }) => whole(lots), right: true },
        { title: 'oldest', of: ({ oldest_seconds: age }) => duration(age), right: true },
      ],
      'none is unfinished',
    ),
    [
      oldest === null
        ? 'No lot waits.'
        : `Oldest unfinished lot that is not paused: ${duration(oldest.age_seconds)}, job ${oldest.job_id}.`,
      `Ended in the last day: ${ended.map(({ status, jobs }) => `${whole(jobs)} ${status}`).join(', ') || 'none'}.`,
    ].join('\n'),
  ]);
}

function webhooksNow(webhooks: NonNullable<StatusDocument['webhooks']>): string {
  const due = webhooks.oldest_due_seconds;
  return [
    'Webhooks',
    `${whole(webhooks.pending)} waiting, ${whole(webhooks.in_flight)} being sent. ` +
      (due === null ? 'None is due.' : `The oldest has been due for ${duration(due)}.`),
  ].join('\n');
}

export function jobsText({ jobs }: { readonly jobs: readonly JobRow[] }): string {
  const reasons = jobs.flatMap(({ job_id: id, operator_pause_reason: reason }) =>
    reason === null ? [] : [line(`${id} is paused by an operator: ${reason}`)],
  );
  return paragraphs([rowsOr(jobs, JOBS, 'There is no such job.'), reasons.join('\n')]);
}

export function failuresText({ since, failures }: { since: string; failures: readonly FailureRow[] }): string {
  return rowsOr(failures, FAILURES, `No lot has failed since ${since}.`);
}

export function failedLotsText(document: { failed_lots: number; lots: readonly FailedLotRow[] }): string {
  const { failed_lots: all, lots } = document;
  return paragraphs([
    rowsOr(lots, FAILED_LOTS, 'No such lot of the job has failed.'),
    lots.length === 0 ? '' : `Shown: ${whole(lots.length)} of the job's ${counted(all, 'failed lot')}.`,
  ]);
}

export function receiversText({ receivers }: { readonly receivers: readonly ReceiverRow[] }): string {
  const errors = receivers.flatMap(({ origin, last_error: error }) =>
    error === null ? [] : [line(`${origin} failed last with: ${error}`)],
  );
  return paragraphs([rowsOr(receivers, RECEIVERS, 'Nothing waits, and no receiver fails.'), errors.join('\n')]);
}

export function queueText({ shards, models }: { shards: readonly ShardRow[]; models: readonly ModelRow[] }): string {
  return paragraphs([rowsOr(shards, SHARDS, 'Nothing waits.'), models.length === 0 ? '' : table(MODELS, models)]);
}

export function usageText(usage: { from: string; to: string; group_by: string; rows: readonly UsageRow[] }): string {
  const columns: Column<UsageRow>[] = [
    { title: usage.group_by, of: ({ name }) => name },
    { title: 'lots', of: ({ lots }) => whole(lots), right: true },
    { title: 'input tokens', of: ({ input_tokens: tokens }) => whole(tokens), right: true },
    { title: 'cached', of: ({ cached_tokens: tokens }) => whole(tokens), right: true },
    { title: 'output tokens', of: ({ output_tokens: tokens }) => whole(tokens), right: true },
    { title: 'USD', of: ({ cost_usd: cost }) => usd(cost), right: true },
  ];
  return rowsOr(usage.rows, columns, `Nothing was used from ${usage.from} to ${usage.to}.`);
}

/** @param ofOneJob - its id, which was asked for, leaves no room for the reasons */
export function auditText({ acts }: { readonly acts: readonly ActRow[] }, ofOneJob: boolean): string {
  const columns = ofOneJob ? ACTS.filter(({ title }) => title !== 'job') : ACTS;
  return rowsOr(acts, columns, 'No operator has done anything.');
}

const STATES = {
  off: 'The tables of lots are not partitioned.',
  on: 'The tables of lots are partitioned by weeks.',
  unfinished: 'A command was ended before it was done: repeat it, or the other one.',
};

export function partitionsText(document: PartitionsDocument): string {
  const { state, weeks_ahead: ahead, default_has_rows: outside, partitions } = document;
  return paragraphs([
    STATES[state] + (ahead === null ? '' : ` ${counted(ahead, 'week')} ahead have a partition.`),
    outside ? 'Rows of lots are in a default partition, because their week has none.' : '',
    rowsOr(partitions, PARTITIONS, ''),
  ]);
}

function resultWords(result: Readonly<Record<string, unknown>>): string {
  if (typeof result['refused'] === 'string') return `refused: ${result['refused']}`;
  return result['changed'] === true ? 'done' : 'nothing to do';
}

function pausedWords({ paused_by: by }: JobRow): string {
  return by.join('+');
}

function titled<Row>(
  title: string,
  rows: readonly Row[] | null,
  columns: readonly Column<Row>[],
  none: string,
): string {
  return rows === null ? '' : rows.length === 0 ? `${title}: ${none}.` : `${title}\n${table(columns, rows)}`;
}

function rowsOr<Row>(rows: readonly Row[], columns: readonly Column<Row>[], none: string): string {
  return rows.length === 0 ? none : table(columns, rows);
}

function paragraphs(texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join('\n\n');
}
