/**
 * All states of jobs and lots, the steps between them, what follows from a job's counts, and their SQL. SQL statements
 * take the words from here, so a word that is not a state does not compile, and a new state is one line.
 */

/** A job's states in the order in which it may pass them, each with the states that may follow. */
const JOB_STEPS = {
  pending: ['processing', 'translating', 'completed', 'failed', 'cancelled'],
  processing: ['translating', 'completed', 'failed', 'cancelled'],
  translating: ['completed', 'failed', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
} as const satisfies Record<string, readonly string[]>;

/** A lot's stored states, each with the states that may follow. The lot of a synchronous job begins as `processing`. */
const LOT_STEPS = {
  pending: ['processing', 'failed'],
  processing: ['translating', 'completed', 'failed'],
  translating: ['completed', 'failed'],
  completed: [],
  failed: [],
} as const satisfies Record<string, readonly string[]>;

export type JobStatus = keyof typeof JOB_STEPS;
export type StoredLotStatus = keyof typeof LOT_STEPS;
/** `cancelled` is never stored for a lot: an unfinished lot of a cancelled job is shown with it. */
export type LotStatus = StoredLotStatus | 'cancelled';
/** States that a job never leaves. */
export type TerminalStatus = { [S in JobStatus]: (typeof JOB_STEPS)[S] extends readonly [] ? S : never }[JobStatus];

export type JobMode = 'sync' | 'batch';
export type ModelStage = 'vision' | 'translation';

export const JOB_STATUSES = Object.keys(JOB_STEPS) as readonly JobStatus[];
const LOT_STATUSES = Object.keys(LOT_STEPS) as readonly StoredLotStatus[];

export function isTerminal(status: JobStatus): status is TerminalStatus {
  return JOB_STEPS[status].length === 0;
}

export function isLotEnded(status: LotStatus): status is 'completed' | 'failed' | 'cancelled' {
  return status === 'cancelled' || LOT_STEPS[status].length === 0;
}

/** Whether a job may step from one state to another. */
export function mayBecome(from: JobStatus, to: JobStatus): boolean {
  return (JOB_STEPS[from] as readonly JobStatus[]).includes(to);
}

/** The state of lots that await a model stage. */
export const STAGE_STATUS = { vision: 'processing', translation: 'translating' } as const satisfies Record<
  ModelStage,
  StoredLotStatus
>;

/** How many lots await each stage. */
interface AwaitingCounts {
  readonly awaitingImages: number;
  readonly awaitingVision: number;
  readonly awaitingTranslation: number;
}

/** A running job shows the state of its slowest lots: the first of these that some lot awaits. */
const RUNNING = [
  { awaiting: 'awaitingImages', status: 'processing', stage: 'image_check' },
  { awaiting: 'awaitingVision', status: 'processing', stage: 'vision_analysis' },
  { awaiting: 'awaitingTranslation', status: 'translating', stage: 'translation' },
] as const satisfies readonly { awaiting: keyof AwaitingCounts; status: JobStatus; stage: string }[];
/** No lot awaits anything any more, so the job is about to end. */
const FINISHING = { status: 'processing', stage: 'finishing' } as const;

export type JobStage = (typeof RUNNING)[number]['stage'] | 'finishing' | 'done';

/** The state and stage of a job that was in state `from` and now has these counts. A job never goes back a step. */
export function runningState(counts: AwaitingCounts, from: JobStatus): { status: JobStatus; stage: JobStage } {
  const { status, stage } = RUNNING.find(({ awaiting }) => counts[awaiting] > 0) ?? FINISHING;
  return { status: mayBecome(from, status) ? status : from, stage };
}

/** {@link runningState} as SQL. @param counts - SQL of each count after the statement */
export function runningStateSql(counts: Record<keyof AwaitingCounts, string>): { status: string; stage: string } {
  const whens = (value: (step: { status: JobStatus; stage: JobStage }) => string) =>
    RUNNING.map((step) => `when ${counts[step.awaiting]} > 0 then ${value(step)}`).join(' ') +
    ` else ${value(FINISHING)}`;
  const unlessBackwards = (to: JobStatus) => {
    const stay = JOB_STATUSES.filter((from) => !isTerminal(from) && from !== to && !mayBecome(from, to));
    return stay.length === 0 ? JOB_SQL[to] : `case when status in ${sqlList(stay)} then status else ${JOB_SQL[to]} end`;
  };
  return {
    status: `case ${whens(({ status }) => unlessBackwards(status))} end`,
    stage: `case ${whens(({ stage }) => JOB_STAGE_SQL[stage])} end`,
  };
}

/**
 * How a new job and its lots begin, and in which column its lots are counted. A batch begins with the photo check. A
 * synchronous job begins with the vision model, because nothing is committed between its photo check and that.
 */
export const FIRST_STATE = {
  batch: { status: 'pending', stage: 'image_check', awaiting: 'awaiting_images', lot: 'pending', started: false },
  sync: {
    status: 'processing',
    stage: 'vision_analysis',
    awaiting: 'awaiting_vision',
    lot: 'processing',
    started: true,
  },
} as const satisfies Record<
  JobMode,
  { status: JobStatus; stage: JobStage; awaiting: string; lot: StoredLotStatus; started: boolean }
>;

/** The last state of a job whose lots have all ended: `failed` only when no lot could be finished. */
export function finalStatus(counts: { processed: number }): 'completed' | 'failed' {
  return counts.processed > 0 ? 'completed' : 'failed';
}

/** The next state of a lot that the vision stage described: it is translated, or it is completed. */
export function describedStatus(translates: boolean): 'translating' | 'completed' {
  return translates ? 'translating' : 'completed';
}

/** A lot's state for clients: an unfinished lot of a cancelled job is `cancelled`, which is never stored. */
export function lotStatus(stored: StoredLotStatus, job: JobStatus): LotStatus {
  return job === 'cancelled' && !isLotEnded(stored) ? 'cancelled' : stored;
}

/** The states as SQL literals. */
export const JOB_SQL = sqlWords(JOB_STATUSES);
export const LOT_SQL = sqlWords(LOT_STATUSES);
export const JOB_STAGE_SQL = sqlWords<JobStage>([...RUNNING.map(({ stage }) => stage), 'finishing', 'done']);

/** The unfinished states as an SQL list; the partial indexes of jobs use the same words. */
export const UNFINISHED_SQL = sqlList(JOB_STATUSES.filter((status) => !isTerminal(status)));
export const TERMINAL_SQL = sqlList(JOB_STATUSES.filter(isTerminal));
/** The states of jobs that ended without the results: the same request may then make a new job. */
export const IN_VAIN_SQL = sqlList(JOB_STATUSES.filter((status) => isTerminal(status) && status !== 'completed'));
export const LOT_ENDED_SQL = sqlList(LOT_STATUSES.filter(isLotEnded));
/** Lots that have no English text yet. */
export const LOT_UNDESCRIBED_SQL = sqlList(LOT_STATUSES.filter((status) => mayStillBeDescribed(status)));

/** Whether a lot has not been through the vision stage yet. */
function mayStillBeDescribed(status: StoredLotStatus): boolean {
  const next: readonly StoredLotStatus[] = LOT_STEPS[status];
  return next.includes('translating') || next.some(mayStillBeDescribed);
}

function sqlWords<S extends string>(words: readonly S[]): Readonly<Record<S, string>> {
  return Object.fromEntries(words.map((word) => [word, `'${word}'`])) as Record<S, string>;
}

function sqlList(words: readonly string[]): string {
  return `(${words.map((word) => `'${word}'`).join(', ')})`;
}
