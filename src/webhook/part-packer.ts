/** The lots of one delivery: every lot of its address from the first to the last position. */
export interface LotPart {
  readonly url: string;
  /** Counted from 1 within the address. */
  readonly number: number;
  readonly of: number;
  readonly firstPosition: number;
  readonly lastPosition: number;
  readonly lots: number;
  readonly bytes: number;
}

export interface PartLimits {
  readonly lots: number;
  /** The most bytes of lots in one part; a single larger lot is a part of its own. */
  readonly bytes: number;
}

interface OpenPart {
  firstPosition: number;
  lastPosition: number;
  lots: number;
  bytes: number;
}

/**
 * Packs lots into as few parts for each address as the order of their positions allows. Sizes are added exactly: a
 * receiver behind a proxy with a 1 MiB body limit must never get a larger part that could have been two.
 */
export class PartPacker {
  private readonly packed = new Map<string, OpenPart[]>();

  constructor(private readonly limits: PartLimits) {}

  /**
   * Adds the next lot of an address. The positions of one address must rise.
   * @param bytes - the lot's estimated size
   */
  add(url: string, position: number, bytes: number): void {
    const parts = this.packed.get(url);
    if (parts === undefined) {
      this.packed.set(url, [{ firstPosition: position, lastPosition: position, lots: 1, bytes }]);
      return;
    }
    const last = parts[parts.length - 1] as OpenPart;
    if (last.lots < this.limits.lots && last.bytes + bytes <= this.limits.bytes) {
      last.lastPosition = position;
      last.lots += 1;
      last.bytes += bytes;
    } else {
      parts.push({ firstPosition: position, lastPosition: position, lots: 1, bytes });
    }
  }

  /** All parts, grouped by address in the order in which the addresses were added. */
  parts(): LotPart[] {
    return [...this.packed].flatMap(([url, parts]) =>
      parts.map((part, index) => ({
        url,
        number: index + 1,
        of: parts.length,
        firstPosition: part.firstPosition,
        lastPosition: part.lastPosition,
        lots: part.lots,
        bytes: part.bytes,
      })),
    );
  }
}
