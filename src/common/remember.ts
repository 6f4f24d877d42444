/**
 * Puts an entry last into a map that must not grow for ever, and lets the first one go when there are more than `most`. A
 * key that is there already is moved: a Map alone would keep its old place.
 */
export function remember<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return;
  const [first] = map.keys();
  if (first !== undefined) map.delete(first);
}
