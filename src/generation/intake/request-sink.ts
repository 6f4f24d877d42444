import { isAscii, isUtf8 } from 'node:buffer';
import { ServiceError } from '../../common/service-error.js';
import { hasLongInteger, invalidJson, longInteger, parseJson } from '../../common/strict-json.js';

/** One element of `lots`, in the order sent. */
export interface SourceLot {
  /** 0-based place in the request. */
  readonly index: number;
  /** The exact source text without white space around it: what the lots signature is made of. */
  readonly text: string;
  /** `text` in UTF-8, a view of the received chunk; copy it to keep it after the call. */
  readonly bytes: Buffer;
  /** `JSON.parse(text)`, of any type. */
  readonly value: unknown;
}

/** A request without its lots. */
export interface SentHead {
  /** The top-level members; without `lots` where those were streamed. */
  readonly members: Record<string, unknown>;
  /** The source text of `members`, with `[]` in the place of streamed lots. */
  readonly text: string;
  /** `streamed`: an array, whose elements went to `onLot`; `other`: some other value, found in `members.lots`. */
  readonly lots: 'streamed' | 'missing' | 'other';
  /** The source text of `members.lots` when `lots` is `other`. */
  readonly lotsText: string | undefined;
}

/** What a splitter calls. An error thrown here ends the splitting and reaches the caller of `write` or `end`. */
export interface RequestSink {
  /** Called once: for NDJSON before the first lot, for JSON after the last, because `lots` may be anywhere. */
  onHead(head: SentHead): void;
  onLot(lot: SourceLot): void;
  /** Takes most lots faster; without it, and for each lot that it leaves, `onLot` is called. */
  readonly fastLots?: FastLots;
}

/**
 * A short cut that takes a whole lot straight from its bytes, with the same outcome as `onLot`, or leaves it untouched.
 * `fast-path/` has it; everything else can be read as if it were not there.
 */
export interface FastLots {
  /**
   * @param start - where an element of `lots` may begin in `chunk`
   * @returns where the comma or bracket behind the lot stands, or -1 when it is left
   */
  takeElement(chunk: Buffer, start: number): number;
  /**
   * @param line - without white space around it
   * @returns false when the lot is left
   */
  takeLine(line: Buffer): boolean;
}

/** Takes the decoded body in chunks of any size; work and memory per call grow with the chunk, not with the body. */
export interface RequestSplitter {
  /** @throws ServiceError INVALID_JSON, BODY_TOO_LARGE (a head or a lot over its limit), or what the sink throws */
  write(chunk: Buffer): void;
  /** @throws like `write`, and for a body that ends too early */
  end(): void;
}

/**
 * The largest request without its lots. The largest metadata takes 110 KB of it; the slowest one takes some 20 ms to
 * check.
 */
export const MAX_HEAD_BYTES = 256 * 1024;

/**
 * The largest lot: 100 photo URLs of 2,300 bytes and the longest additional_info. A lot is parsed and signed in one go,
 * and the slowest text of this size (only floats) blocks the event loop for 42 ms; twice the size took 89 ms.
 */
export const MAX_LOT_BYTES = 256 * 1024;

/**
 * Parses one lot.
 * @param bytes - its source, without white space around it; brackets are at most 32 deep (the splitter counted)
 * @param offset - where it starts in the decoded body, for messages
 */
export function readLot(bytes: Buffer, index: number, offset: number): SourceLot {
  const name = `lots[${index}], which starts at byte ${offset},`;
  if (bytes.length > MAX_LOT_BYTES) throw lotTooLarge(index);
  if (hasLongInteger(bytes)) throw longInteger(name);
  // One-byte strings are made and parsed faster, and most lots are ASCII.
  const ascii = isAscii(bytes);
  if (!ascii && !isUtf8(bytes)) throw invalidJson(`${name} is not valid UTF-8.`);
  const text = bytes.toString(ascii ? 'latin1' : 'utf8');
  return { index, text, bytes, value: parseJson(text, name) };
}

export function lotTooLarge(index: number): ServiceError {
  return new ServiceError('BODY_TOO_LARGE', `lots[${index}] is larger than ${MAX_LOT_BYTES} bytes.`, {
    details: { max_bytes: MAX_LOT_BYTES },
  });
}

export function headTooLarge(): ServiceError {
  return new ServiceError('BODY_TOO_LARGE', `The request without its lots is larger than ${MAX_HEAD_BYTES} bytes.`, {
    details: { max_bytes: MAX_HEAD_BYTES },
  });
}
