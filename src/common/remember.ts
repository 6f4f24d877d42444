/**
 * Adds an entry at the end of a map and removes the first one when there are more than `most`, so that the map cannot
 * grow without limit. A key that is there already is moved to the end; Map.set alone would keep its old place.
 */
export function remember<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return;
  const [first] = map.keys();
  if (first !== undefined) map.delete(first);
}
