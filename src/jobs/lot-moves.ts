import type { StoredError } from './batch-job.entity.js';

/** Failed lots by the code of their error. */
export type FailureCounts = Readonly<Record<string, number>>;

/** How many lots a transaction moved; each member is added to the job's counter of the same name. */
export interface LotMoves {
  readonly awaitingImages?: number;
  readonly awaitingVision?: number;
  readonly awaitingTranslation?: number;
  readonly processed?: number;
  /** One number for the lots and their codes, so that `failed_lots` and `errors` cannot tell different stories. */
  readonly failed?: FailureCounts;
  readonly images?: number;
}

/** Counts failed lots by their codes. */
export function failuresOf(lots: readonly { readonly error: StoredError }[]): FailureCounts {
  const counts = new Map<string, number>();
  for (const { error } of lots) counts.set(error.code, (counts.get(error.code) ?? 0) + 1);
  return Object.fromEntries(counts);
}

export function totalOf(counts: FailureCounts = {}): number {
  return Object.values(counts).reduce((sum, lots) => sum + lots, 0);
}

export function hasMoves({ failed, ...counts }: LotMoves): boolean {
  return totalOf(failed) !== 0 || Object.values(counts).some((count) => count !== 0);
}

/** The moves of two parts of one transaction. */
export function sumOfMoves(one: LotMoves, other: LotMoves): LotMoves {
  const { failed: failedOne = {}, ...countsOne } = one;
  const { failed: failedOther = {}, ...countsOther } = other;
  return { ...addedUp(countsOne, countsOther), failed: addedUp(failedOne, failedOther) };
}

function addedUp(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>) {
  const sum: Record<string, number> = { ...one };
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
