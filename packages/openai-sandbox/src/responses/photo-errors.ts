import type { FaultRule, PhotoNaming } from '../faults/fault-rules.js';
import { invalid, type ApiError } from '../http/api-error.js';
import type { PhotoPart } from './response-request.js';

const FORMATS = "['png', 'jpeg', 'gif', 'webp']";
const MEDIA_TYPES = "['image/jpeg', 'image/png', 'image/gif', 'image/webp']";

/** The texts of public reports by their code, with the `param` that they came with. */
const TEXTS: Readonly<Record<string, { readonly text: string; readonly param: string | null }>> = {
  invalid_value: { text: 'Timeout while downloading {photo}.', param: 'url' },
  invalid_image_url: {
    text: 'Error while downloading {photo}. Failed to download image from URL. Ensure the URL is publicly accessible.',
    param: 'input',
  },
  failed_to_download_image: { text: 'Failed to download image from {photo}.', param: null },
  invalid_image: { text: 'Failed to download image from {photo}. Image size exceeds the limit.', param: null },
  invalid_image_format: {
    text: `You uploaded an unsupported image. Please make sure your image has of one the following formats: ${FORMATS}.`,
    param: null,
  },
  image_parse_error: {
    text: `The image data you provided does not represent a valid image. Please check your input and try again with one of the supported image formats: ${MEDIA_TYPES}.`,
    param: 'input',
  },
};

/** The shape in which a slow download arrives. */
export function timeoutError(url: string): ApiError {
  return photoError('invalid_value', url);
}

/** The other shape of the same failure: some downloads come with a code of their own. */
export function unreachableError(url: string): ApiError {
  return photoError('invalid_image_url', url);
}

export function unsupportedImage(): ApiError {
  return photoError('invalid_image_format', 'the image');
}

/** What an `image_error` rule makes of a request's photos. */
export function ruledPhotoError(rule: FaultRule, photos: readonly PhotoPart[]): ApiError {
  const { contains, code = 'invalid_value', message, named = 'address' } = rule;
  const photo = photos.find(({ url }) => contains !== undefined && url.includes(contains)) ?? photos[0];
  const url = photo?.url ?? 'https://sandbox.invalid/photo.jpg';
  const position = named === 'position' ? `${photo?.path ?? 'input[0].content[0]'}.image_url` : undefined;
  return photoError(code, spelled(url, named), message, position);
}

function photoError(code: string, photo: string, message?: string, position?: string): ApiError {
  const known = TEXTS[code] ?? { text: 'The image could not be processed.', param: null };
  return invalid((message ?? known.text).replaceAll('{photo}', photo), position ?? known.param, code);
}

function spelled(url: string, named: PhotoNaming): string {
  switch (named) {
    case 'address':
      return url;
    case 'escaped':
      return JSON.stringify(url)
        .slice(1, -1)
        .replaceAll('/', '\\/')
        .replaceAll('&', '\\u0026')
        .replaceAll("'", '\\u0027');
    case 'encoded':
      return encodeURIComponent(url);
    case 'cut':
      return `${url.slice(0, url.lastIndexOf('/') + 6)}...`;
    case 'file':
      return url.split('/').at(-1)?.split('?', 1)[0] ?? '';
    case 'position':
    case 'none':
      return 'file';
  }
}
