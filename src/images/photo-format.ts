/** Formats that the vision models take. */
export type PhotoFormat = 'jpeg' | 'png' | 'webp' | 'gif';

/**
 * Formats that the models do not take but that we can turn into a JPEG. HEIC is not among them, because the installed
 * sharp cannot decode it. SVG must never be, because it can contain scripts and load addresses.
 */
export type CarriedFormat = 'avif' | 'tiff';

/** The bytes that the signatures need; finding animations needs the bytes after them too. */
const LONGEST_SIGNATURE = 12;

/** The table: a format's bytes at given offsets. */
const SIGNATURES: Readonly<Record<PhotoFormat, readonly (readonly [offset: number, bytes: readonly Buffer[]])[]>> = {
  jpeg: [[0, [Buffer.from([0xff, 0xd8, 0xff])]]],
  png: [[0, [Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])]]],
  webp: [
    [0, [Buffer.from('RIFF')]],
    [8, [Buffer.from('WEBP')]],
  ],
  gif: [[0, [Buffer.from('GIF87a'), Buffer.from('GIF89a')]]],
};

const TIFF_MARKS = ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].map((mark) => Buffer.from(mark, 'latin1'));
/** The most bytes of the list of brands; real lists have a handful of brands. */
const MOST_BRAND_BYTES = 256;

/** Application blocks that only animations carry. */
const ANIMATION_MARKS = ['NETSCAPE2.0', 'ANIMEXTS1.0'];

/**
 * The format that the first bytes of a file show, whatever its headers call it.
 * @param head - the file's beginning, 12 bytes or more where it has them
 * @returns null for anything that the models do not take: SVG, HTML, HEIC, …, and GIFs that are marked as animated
 */
export function photoFormatOf(head: Buffer): PhotoFormat | null {
  if (head.length < LONGEST_SIGNATURE) return null;
  const formats = Object.keys(SIGNATURES) as PhotoFormat[];
  const format = formats.find((candidate) =>
    SIGNATURES[candidate].every(([at, choices]) => choices.some((bytes) => startsAt(head, at, bytes))),
  );
  if (format === undefined || (format === 'gif' && ANIMATION_MARKS.some((mark) => head.includes(mark, 0, 'latin1'))))
    return null;
  return format;
}

/**
 * AVIF and TIFF by their first bytes.
 * @param head - the file's beginning
 */
export function carriedFormatOf(head: Buffer): CarriedFormat | null {
  if (head.length < LONGEST_SIGNATURE) return null;
  if (TIFF_MARKS.some((mark) => startsAt(head, 0, mark))) {
    // Canon's camera files are TIFFs too, with a thumbnail where the photo is expected.
    return startsAt(head, 8, Buffer.from('CR')) ? null : 'tiff';
  }
  return brandsOf(head).some((brand) => brand === 'avif' || brand === 'avis') ? 'avif' : null;
}

/** The brands of an ISO media file, the major one first; none where the bytes are no such file. */
function brandsOf(head: Buffer): string[] {
  if (!startsAt(head, 4, Buffer.from('ftyp'))) return [];
  const end = Math.min(head.readUInt32BE(0), head.length, MOST_BRAND_BYTES);
  const brands = [head.toString('latin1', 8, 12)];
  // A HEIC may list `avif` nowhere; an AVIF may be `mif1` first and `avif` only in its list.
  for (let at = 16; at + 4 <= end; at += 4) brands.push(head.toString('latin1', at, at + 4));
  return brands;
}

/** True where a Content-Type names a format that the models take, so that a HEAD alone can be believed. */
export function isPhotoType(contentType: string): boolean {
  return /^image\/(jpeg|jpg|pjpeg|png|webp|gif)\s*(;|$)/i.test(contentType.trim());
}

function startsAt(head: Buffer, at: number, bytes: Buffer): boolean {
  return head.subarray(at, at + bytes.length).equals(bytes);
}
