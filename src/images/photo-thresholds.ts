/**
 * Whether a lot can be described from the photos that are there (IMAGE_MAX_UNREACHABLE).
 * @param total - photos of the lot
 * @param unreachable - how many of them are not there
 * @param maxUnreachable - share from 0 to 1; exactly this share still passes
 * @returns false when more than that share is missing, or when none is left
 */
export function withinThreshold(total: number, unreachable: number, maxUnreachable: number): boolean {
  return unreachable < total && unreachable / total <= maxUnreachable;
}
