import { DAY_MS } from '../common/clock.js';
import { isTerminal, type JobMode, type JobStatus } from './states.js';

/** How long a job may be paused in all. Then it resumes by itself, so that every job ends within eight days. */
export const MOST_PAUSED_MS = 7 * DAY_MS;

/** Who pauses a job. Each has a flag, and the job runs only while neither is set. */
export type Pauser = 'client' | 'operator';

/** A pause. An operator says why; clients are not shown it. */
export type Pause = { readonly by: 'client' } | { readonly by: 'operator'; readonly reason: string };

/** A job's pauses, as its row has them. */
export interface Pauses {
  /** Since when it is paused; null: it runs, or has ended. */
  readonly pausedAt: Date | null;
  /** Milliseconds that its earlier pauses took together. */
  readonly pausedMs: number;
}

export function isPaused({ pausedAt }: Pick<Pauses, 'pausedAt'>): boolean {
  return pausedAt !== null;
}

/** How long a job was paused until `now` (milliseconds since 1970), in milliseconds. */
export function pausedMsUntil({ pausedAt, pausedMs }: Pauses, now: number): number {
  const present = pausedAt === null ? 0 : Math.max(0, now - pausedAt.getTime());
  return Math.min(MOST_PAUSED_MS, pausedMs + present);
}

/** From when a job's deadlines count, in milliseconds since 1970: the time while it is paused counts towards none. */
export function deadlinesCountFrom(job: Pauses & { readonly createdAt: Date }, now: number): number {
  return job.createdAt.getTime() + pausedMsUntil(job, now);
}

/** When a paused job resumes by itself; null for one that is not paused. */
export function resumesAt({ pausedAt, pausedMs }: Pauses): Date | null {
  return pausedAt === null ? null : new Date(pausedAt.getTime() + MOST_PAUSED_MS - pausedMs);
}

/** What a pause or a resume finds in a job's locked row. */
export interface PausableJob extends Pauses {
  readonly mode: JobMode;
  readonly status: JobStatus;
  readonly pausedByClient: boolean;
  readonly pausedByOperator: boolean;
}

/** Why a job can be neither paused nor resumed; `used_up`: it was paused as long as a job may be. */
export type PauseRefusal = 'ended' | 'synchronous' | 'used_up';

/** Whether a pause may set its flag: a refusal, `unchanged` for a repeat, or null. */
export function judgePause(job: PausableJob, by: Pauser): PauseRefusal | 'unchanged' | null {
  const refused = judge(job);
  if (refused !== null) return refused;
  if (by === 'client' ? job.pausedByClient : job.pausedByOperator) return 'unchanged';
  return job.pausedMs >= MOST_PAUSED_MS ? 'used_up' : null;
}

/** The flags that a resume leaves set, or a refusal. */
export function judgeResume(job: PausableJob, by: Pauser | 'all'): PauseRefusal | Record<Pauser, boolean> {
  return (
    judge(job) ?? {
      client: job.pausedByClient && by === 'operator',
      operator: job.pausedByOperator && by === 'client',
    }
  );
}

function judge({ mode, status }: PausableJob): PauseRefusal | null {
  if (isTerminal(status)) return 'ended';
  // Its client waits for it, or a process holds it in its memory: there is nothing to stop between two steps.
  return mode === 'sync' ? 'synchronous' : null;
}
