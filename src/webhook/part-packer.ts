/** One delivery's share of an address's lots: every lot of that address from first to last position. */
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
  /** Bytes of lots in one part; a single lot that is larger travels alone. */
  readonly bytes: number;
}

interface OpenPart {
  firstPosition: number;
  lastPosition: number;
  lots: number;
  bytes: number;
}

/**
 * Packs lots, given in the order of their positions, into as few parts for each address as that order allows.
 * Exact rather than by rounded sums: a receiver behind a proxy with a 1 MiB body limit must never meet a part above it
 * that could have been two.
 */
export class PartPacker {
  private readonly packed = new Map<string, OpenPart[]>();

  constructor(private readonly limits: PartLimits) {}

  /** Adds the next lot of an address; positions of one address must rise. */
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

  /** All parts, by address in the order in which addresses were first met. */
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
