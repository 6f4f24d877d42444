import { bytesOf, codingOf, totalSize, type PhotoAnswer } from './photo-answer.js';
import { carriedFormatOf, photoFormatOf, type CarriedFormat, type PhotoFormat } from './photo-format.js';

/** What a host's answer tells of a photo's file, besides its width and height. */
export interface PhotoFile {
  /** By its first bytes; null where they were not read, or are of no format that we know. */
  readonly format: PhotoFormat | CarriedFormat | null;
  /** Of the whole file; null where its host does not tell. */
  readonly bytes: number | null;
  /** OUTBOUND_ALLOW names a host on the way, so nothing of this may be shown. */
  readonly viaAllowList: boolean;
}

/** @param answer - to a HEAD, or to a GET of the first bytes */
export function photoFileOf(answer: PhotoAnswer & Pick<PhotoFile, 'viaAllowList'>): PhotoFile {
  const { body, bodyEnd, status, headers, viaAllowList } = answer;
  const head = bytesOf(answer);
  const format = head === null ? null : (photoFormatOf(head) ?? carriedFormatOf(head));
  const read = status !== 206 && bodyEnd === 'complete' && body.length > 0 ? body.length : null;
  // What a host has compressed on the way is smaller than the file.
  const bytes = codingOf(headers) === '' ? (totalSize(answer) ?? read) : null;
  return { format, bytes, viaAllowList };
}
