import type { PhotoRef } from './assessment.js';

/**
 * The photos that are there, with their numbers in the client's list; one that the lot names twice is one photo, under its
 * first number.
 * @param images - the client's list
 */
export function photoRefs(images: readonly string[], isThere: (url: string) => boolean): PhotoRef[] {
  const left = new Set(images.filter(isThere));
  return images.flatMap((url, index) => (left.delete(url) ? [{ number: index + 1, url }] : []));
}

/**
 * The photos of a lot that are not missing, each with its number in the client's list.
 * @param images - the client's list
 */
export function photosLeft(images: readonly string[], missing: readonly { readonly url: string }[]): PhotoRef[] {
  const gone = new Set(missing.map(({ url }) => url));
  return photoRefs(images, (url) => !gone.has(url));
}

/**
 * A photo's address in the form that a fetcher needs. Browsers accept white space around an address and encode a space
 * inside it, but an API may not. Every other address stays letter for letter as the client sent it.
 */
export function fetchable(url: string): string {
  return NEEDS_MENDING.test(url) ? url.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '').replaceAll(' ', '%20') : url;
}

const NEEDS_MENDING = /[\t\n\r ]/;
