/**
 * How the tries of a shard are numbered (column `attempt`). A lot belongs to the shard of its range that has the same
 * try number, so two shards of one range and stage must never have the same number:
 *
 * - vision: `4 × late + try`. `late` is 1 for lots that wait for a photo host, and 2 or more for those that wait
 *   longest.
 * - translation: `4 × (try number of the vision shard that made the lots) + try`.
 * - Tries 0 and 1 are OpenAI batches. Tries 2 and 3 ask for what they left over through the Responses API.
 */
const TRIES = 4;
const LAST_BATCH_TRY = 1;

/** For fewer lots than this, another batch is not worth the wait. */
export const FEW_LOTS = 20;

export function isDirect(attempt: number): boolean {
  return attempt % TRIES > LAST_BATCH_TRY;
}

/** True when nothing was asked for these lots before. */
export function isFirstTry(attempt: number): boolean {
  return attempt % TRIES === 0;
}

/** The try after one that failed through no fault of the lot: one more batch, then the Responses API. */
export function nextTry(attempt: number): number {
  return isFirstTry(attempt) ? attempt + 1 : directTry(attempt);
}

/** The try that asks through the Responses API for what this one left over. */
export function directTry(attempt: number): number {
  return isDirect(attempt) ? attempt : attempt + 2;
}

/** The try number of vision lots whose photos are checked later than those of the other lots. */
export function laterTry(attempt: number): number {
  return attempt + TRIES;
}

/** How often lots with this try number have already been put off: 0 for lots that still travel with their range. */
export function timesLate(attempt: number): number {
  return Math.floor(attempt / TRIES);
}

/** The first translation try of the lots that this vision try described. */
export function translationTry(visionTry: number): number {
  return visionTry * TRIES;
}

/** The id that ties a line of a batch's files to its lot: `<position>-<try number>`. */
export function customId(position: number, attempt: number): string {
  return `${position}-${attempt}`;
}

const CUSTOM_ID = /^(\d{1,9})-(\d{1,5})$/;

/** The position and try number that a line names, or undefined when the id is not one of ours. */
export function parseCustomId(id: unknown): { position: number; attempt: number } | undefined {
  const parts = typeof id === 'string' ? CUSTOM_ID.exec(id) : null;
  return parts === null ? undefined : { position: Number(parts[1]), attempt: Number(parts[2]) };
}
