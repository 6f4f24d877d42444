import { brotliDecompressSync, constants, gunzipSync, inflateSync } from 'node:zlib';
import { isPhotoType, photoFormatOf } from './photo-format.js';

/** What is wrong with an answer. */
export type PhotoFault = 'status' | 'not_image' | 'too_large' | 'empty' | 'cut_off';

/** The part of an HTTP answer that the rules look at; header names are lower case. */
export interface PhotoAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly bodyEnd: 'complete' | 'limit' | 'deadline' | 'reset';
}

/**
 * Judges the answer to a HEAD, which has no body. It is accepted only when it names a format that the models take.
 * @param maxBytes - the largest photo allowed; an answer without a size passes, as it does for a GET
 * @returns null when the photo is there, else why a GET must decide
 */
export function judgeHead({ status, headers }: PhotoAnswer, maxBytes: number): PhotoFault | null {
  if (status < 200 || status > 299) return 'status';
  if (!isPhotoType(headers['content-type'] ?? '')) return 'not_image';
  // `0` is sent for empty files, but also by servers that do not count for a HEAD.
  const size = wholeNumber(headers['content-length']);
  if (size === 0) return 'empty';
  return size !== null && size > maxBytes ? 'too_large' : null;
}

/**
 * Judges the answer to a GET of the first bytes. Bytes decide, not headers: S3 sends application/octet-stream unless it
 * is configured otherwise, and other servers send no type at all.
 * @returns null when the photo is there, else why it is not
 */
export function judgeGet(answer: PhotoAnswer, maxBytes: number): PhotoFault | null {
  const { status, body, bodyEnd } = answer;
  if (status < 200 || status > 299) return 'status';
  const size = totalSize(answer);
  if (size !== null && size > maxBytes) return 'too_large';
  if (bodyEnd === 'deadline' || bodyEnd === 'reset') return 'cut_off';
  if (body.length === 0) return 'empty';
  return isPhoto(answer) ? null : 'not_image';
}

function isPhoto(answer: PhotoAnswer): boolean {
  const bytes = bytesOf(answer);
  // We cannot decode this coding, but OpenAI may be able to.
  return bytes === null || photoFormatOf(bytes) !== null;
}

/**
 * The file's first bytes, also where its host compressed them; some hosts name a coding and send the photo as it is.
 * @returns null for an unknown coding
 */
export function bytesOf({ headers, body }: Pick<PhotoAnswer, 'headers' | 'body'>): Buffer | null {
  const encoding = codingOf(headers);
  return encoding === '' || photoFormatOf(body) !== null ? body : beginningOf(encoding, body);
}

/** How many compressed bytes are decoded: enough for every signature, and at worst 4 MB when decoded. */
const COMPRESSED_BYTES = 4096;

/** The coding of a body that its host compressed in spite of `identity`; empty where it did not. */
export function codingOf(headers: PhotoAnswer['headers']): string {
  const encoding = (headers['content-encoding'] ?? '').trim().toLowerCase();
  return encoding === 'identity' ? '' : encoding;
}

/** @returns null for an unknown coding; empty when the bytes are not in that coding */
export function beginningOf(encoding: string, body: Buffer): Buffer | null {
  const beginning = body.subarray(0, COMPRESSED_BYTES);
  try {
    switch (encoding) {
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(beginning, { finishFlush: constants.Z_SYNC_FLUSH });
      case 'deflate':
        return inflateSync(beginning, { finishFlush: constants.Z_SYNC_FLUSH });
      case 'br':
        return brotliDecompressSync(beginning, { finishFlush: constants.BROTLI_OPERATION_FLUSH });
      default:
        return null;
    }
  } catch {
    return Buffer.alloc(0);
  }
}

/** The size of the whole file, if the answer tells: for a part from Content-Range, else from Content-Length. */
export function totalSize({ status, headers }: PhotoAnswer): number | null {
  if (status !== 206) return wholeNumber(headers['content-length']);
  return wholeNumber(/^bytes \d+-\d+\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1]);
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
