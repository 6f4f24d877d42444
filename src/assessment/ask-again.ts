import type { VisionRows } from './vision-rows.js';

/**
 * Why an answer that fits its schema is asked for once more:
 * - `nothing_said`: every list is empty and no photo is described, so that it would read as "no damage"
 * - `photos_not_sent`: photos are numbered from zero, or a severe damage cites none that was sent
 */
export type AskAgain = 'nothing_said' | 'photos_not_sent';

/** @param photoCount - photos that were sent */
export function whyAskAgain(rows: VisionRows, photoCount: number): AskAgain | null {
  const isSent = (number: number) => number >= 1 && number <= photoCount;
  const raised = Object.values(rows.flags).some(({ value }) => value === 'yes');
  if (rows.findings.length === 0 && !raised && !rows.photos.some(({ number }) => isSent(number))) return 'nothing_said';
  if (rows.findings.length > 0 && countsFromZero(rows)) return 'photos_not_sent';
  const unproven = rows.findings.some(({ severity, photos }) => severity === 'severe' && !photos.some(isSent));
  return unproven ? 'photos_not_sent' : null;
}

/**
 * Does the answer number its photos from zero? Then "photo 1" means the second one, so that not one of its numbers can be
 * relied on.
 */
export function countsFromZero(rows: VisionRows): boolean {
  return (
    rows.photos.some(({ number }) => number === 0) ||
    rows.findings.some(({ photos }) => photos.includes(0)) ||
    Object.values(rows.flags).some(({ photos }) => photos.includes(0))
  );
}

/**
 * The rows of an answer that counts from zero, without the evidence that this takes from them. What it says of each photo stays where
 * it describes all of them, from 0 on: their order then says which is which.
 */
export function withoutNumbers(rows: VisionRows, photoCount: number): VisionRows {
  const numbers = new Set(rows.photos.map(({ number }) => number));
  const inOrder =
    numbers.size === photoCount && Array.from(numbers).every((number) => number >= 0 && number < photoCount);
  return {
    ...rows,
    photos: inOrder ? rows.photos.map((photo) => ({ ...photo, number: photo.number + 1 })) : [],
    vehicle: { ...rows.vehicle, photos: [] },
    interior: { ...rows.interior, photos: [] },
    tyres: { ...rows.tyres, photos: [] },
    ignored: [],
    findings: rows.findings.map((finding) => ({ ...finding, photos: [] })),
    flags: Object.fromEntries(
      Object.entries(rows.flags).map(([flag, said]) => [flag, { ...said, photos: [] }]),
    ) as unknown as VisionRows['flags'],
    readings: [],
  };
}
