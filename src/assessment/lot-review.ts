import type { Assessment, Finding, LotReviewReason, RejectedRow } from './assessment.js';

/** Everything about a lot that a person should look at, each reason once, rows first. */
export function lotReviewReasons(lot: {
  readonly findings: readonly Finding[];
  readonly rejected: readonly RejectedRow[];
  readonly flagReasons: readonly LotReviewReason[];
  readonly vehicle: Assessment['vehicle'];
  readonly mismatch: Assessment['listing_mismatch'];
  readonly assessable: boolean;
  /** Every photo that was sent has a row. */
  readonly described: boolean;
}): readonly LotReviewReason[] {
  const { findings, rejected, flagReasons, vehicle, mismatch, assessable, described } = lot;
  return [
    ...new Set<LotReviewReason>([
      ...findings.flatMap(({ review_reasons }) => review_reasons),
      ...rejected.map(({ reason }) => reason),
      ...flagReasons,
      ...(vehicle.count > 1 ? (['several_vehicles'] as const) : []),
      ...(vehicle.kind === 'none' ? (['no_vehicle'] as const) : []),
      ...(mismatch.length > 0 ? (['listing_mismatch'] as const) : []),
      ...(described ? [] : (['photo_not_described'] as const)),
      ...(assessable ? [] : (['not_assessable'] as const)),
    ]),
  ];
}

/** What every answer, CSV and webhook says of a lot, whatever it includes. */
export function needsReviewOf({ needs_review, review_reasons }: Pick<Assessment, 'needs_review' | 'review_reasons'>): {
  readonly value: boolean;
  readonly reasons: readonly LotReviewReason[];
} {
  return { value: needs_review, reasons: review_reasons };
}
