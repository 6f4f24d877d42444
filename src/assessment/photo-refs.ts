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
