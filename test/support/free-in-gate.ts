import type { IncomingMessage } from 'node:http';
import { claimantAt, type Claimant } from '../../src/auth/admission/claimant.js';
import type { Upload } from '../../src/auth/admission/upload.js';
import type { UploadGate } from '../../src/auth/upload-gate.js';
import { ServiceError } from '../../src/common/service-error.js';

/** The gate's bytes of memory, for strangers and the same again for the others. */
const MEMORY_BYTES = 16 * 1024 * 1024;
const MOST_SPOOL = 2 ** 40;

/** What can be had of a gate. */
export interface Free {
  /** Places for addresses that nothing is known of. */
  readonly strangers: number;
  /** Places that are left for those whose last request was rightly signed, once all of those are taken. */
  readonly known: number;
  /** Bytes on disk. */
  readonly spool: number;
  /** Whether all memory can be had, by a stranger and by one who is known. */
  readonly memory: readonly [strangers: boolean, known: boolean];
}

let addresses = 0;

/** Takes everything that a gate lets anybody have just now, tells how much that is, and gives it back. */
export function freeIn(gate: UploadGate): Free {
  const strangers = admitAll(gate, stranger);
  const known = admitAll(gate, () => {
    const claimant = stranger();
    gate.vouchFor({ headers: {} } as IncomingMessage, claimant.address);
    return claimant;
  });
  const free = {
    strangers: strangers.length,
    known: known.length,
    spool: known[0] === undefined ? 0 : takeAll(known[0]),
    memory: [strangers[0], known[0]].map((upload) => upload?.takeMemory(MEMORY_BYTES) === true) as [boolean, boolean],
  };
  for (const upload of [...strangers, ...known]) upload.release();
  return free;
}

/** An address that nobody has come from yet. */
function stranger(): Claimant {
  const count = ++addresses;
  return claimantAt(`10.${count >> 16}.${(count >> 8) & 255}.${count & 255}`, 'v1=');
}

function admitAll(gate: UploadGate, next: () => Claimant): Upload[] {
  const admitted: Upload[] = [];
  while (isGranted(() => admitted.push(gate.admit(next())))) continue;
  return admitted;
}

/** As many bytes on disk as an upload gets. */
function takeAll(upload: Upload): number {
  let taken = 0;
  for (let bytes = MOST_SPOOL; bytes >= 1; bytes /= 2) if (isGranted(() => upload.take(bytes))) taken += bytes;
  return taken;
}

function isGranted(take: () => unknown): boolean {
  try {
    take();
    return true;
  } catch (error) {
    if (error instanceof ServiceError) return false;
    throw error;
  }
}
