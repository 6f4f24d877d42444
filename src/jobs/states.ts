/** Job states, in the only order in which a job may pass them. */
export const JOB_STATUSES = ['pending', 'processing', 'translating', 'completed', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** States that a job never leaves. */
export const TERMINAL_STATUSES = ['completed', 'failed', 'cancelled'] as const;
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number];

export type JobMode = 'sync' | 'batch';
export type JobStage = 'image_check' | 'vision_analysis' | 'translation' | 'finishing' | 'done';
/** `cancelled` is never stored for a lot: it is what an unfinished lot of a cancelled job reads as. */
export type LotStatus = 'pending' | 'processing' | 'translating' | 'completed' | 'failed' | 'cancelled';
export type ModelStage = 'vision' | 'translation';

/** Unfinished states as an SQL list; the partial indexes of batch_jobs use the same words. */
export const UNFINISHED_SQL = `('pending', 'processing', 'translating')`;

export function isTerminal(status: JobStatus): status is TerminalStatus {
  return (TERMINAL_STATUSES as readonly string[]).includes(status);
}

/** How many lots await each stage, and how many ended. The sum is always the job's total. */
export interface LotCounts {
  readonly awaitingImages: number;
  readonly awaitingVision: number;
  readonly awaitingTranslation: number;
  readonly processed: number;
  readonly failed: number;
}

/** The state that a running job is in, from its counts alone: `translating` once no lot awaits photos or vision. */
export function runningStatus(counts: LotCounts): 'processing' | 'translating' {
  return counts.awaitingImages + counts.awaitingVision === 0 && counts.awaitingTranslation > 0
    ? 'translating'
    : 'processing';
}

/** The stage that the slowest lots of a running job are in. */
export function runningStage(counts: LotCounts): JobStage {
  if (counts.awaitingImages > 0) return 'image_check';
  if (counts.awaitingVision > 0) return 'vision_analysis';
  return counts.awaitingTranslation > 0 ? 'translation' : 'finishing';
}

/** How a job whose lots have all ended ends: `failed` only when no lot could be finished. */
export function finalStatus(counts: { processed: number }): 'completed' | 'failed' {
  return counts.processed > 0 ? 'completed' : 'failed';
}
