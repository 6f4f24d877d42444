import type { NewResult } from '../jobs/new-result.js';

/** What surrounds the descriptions of a lot (measured: 190 bytes) and each of them. */
const LOT_BYTES = 200;
const DESCRIPTION_BYTES = 48;
const USAGE_BYTES = 220;

/** About how long a completed lot reads in results and webhooks: webhooks are packed by it. */
export function renderedBytes(
  results: readonly Pick<NewResult, 'html'>[],
  lot: {
    readonly idLength: number;
    readonly missing: readonly string[];
    readonly assessment: number;
    readonly usage: boolean;
  },
): number {
  let bytes = LOT_BYTES + lot.idLength * 2 + lot.assessment;
  for (const { html } of results) bytes += DESCRIPTION_BYTES + Buffer.byteLength(html);
  for (const url of lot.missing) bytes += Buffer.byteLength(url) + 3;
  return bytes + (lot.usage ? USAGE_BYTES * 2 : 0);
}
