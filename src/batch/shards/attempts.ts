/**
 * How the attempts of a shard are numbered. A lot belongs to the shard of its range whose attempt its own equals, so the
 * numbers of two shards of one range and stage must never meet:
 *
 * - vision: `4 × late + try`, late being 1 for lots that wait for a photo host, 2 and more for those that wait longest;
 * - translation: `4 × (attempt of the vision shard that made the lots) + try`;
 * - try 0 and 1 travel as OpenAI batches, 2 and 3 go straight through the Responses API: what 0 and 1 left over.
 */
const TRIES = 4;
const LAST_BATCH_TRY = 1;

/** Fewer lots than this are not worth another batch and its wait. */
export const FEW_LOTS = 20;

export function isDirect(attempt: number): boolean {
  return attempt % TRIES > LAST_BATCH_TRY;
}

/** Was nothing asked for these lots before? */
export function isFirstTry(attempt: number): boolean {
  return attempt % TRIES === 0;
}

/** The attempt after one that failed by no fault of the lot: another batch once, then straight through. */
export function retryAttempt(attempt: number): number {
  return isFirstTry(attempt) ? attempt + 1 : directAttempt(attempt);
}

/** The attempt that asks for what this one left over through the Responses API. */
export function directAttempt(attempt: number): number {
  return isDirect(attempt) ? attempt : attempt + 2;
}

/** The attempt of vision lots whose photos are checked later than the rest of this attempt's. */
export function laterAttempt(attempt: number): number {
  return attempt + TRIES;
}

/** How often the lots of an attempt were put off already: 0 for those that came with their range. */
export function timesLate(attempt: number): number {
  return Math.floor(attempt / TRIES);
}

/** The first translation attempt of lots that this vision attempt described. */
export function translationAttempt(visionAttempt: number): number {
  return visionAttempt * TRIES;
}

/** What ties a line of a batch's files to its lot: `<position>-<attempt>`. */
export function customId(position: number, attempt: number): string {
  return `${position}-${attempt}`;
}

const CUSTOM_ID = /^(\d{1,9})-(\d{1,5})$/;

/** The lot and attempt of a line, or undefined when the id is none of ours. */
export function parseCustomId(id: unknown): { position: number; attempt: number } | undefined {
  const parts = typeof id === 'string' ? CUSTOM_ID.exec(id) : null;
  return parts === null ? undefined : { position: Number(parts[1]), attempt: Number(parts[2]) };
}
