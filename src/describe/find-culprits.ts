/**
 * Finds the items that make a group fail: each group that fails is cut in two, until single items are left. `n` items
 * of which `k` are bad take about `2k × log2(n / k)` questions. An item is asked about before it counts as bad, also
 * when the other half has passed.
 * @param suspects - items that are known to fail together
 * @param isGood - whether these items alone would pass
 * @param most - how many culprits are worth finding; the search ends as soon as there are more
 * @returns the culprits; none if each item passes alone, and only their number or total size is too large
 */
export async function findCulprits<T>(
  suspects: readonly T[],
  isGood: (group: readonly T[]) => Promise<boolean>,
  most: number,
): Promise<T[]> {
  const culprits: T[] = [];
  /** @param seenFailing - false when the failure was only concluded from the other half */
  const search = async (group: readonly T[], seenFailing: boolean): Promise<void> => {
    if (group.length === 1) {
      if (seenFailing || !(await isGood(group))) culprits.push(...group);
      return;
    }
    const middle = Math.ceil(group.length / 2);
    const [left, right] = [group.slice(0, middle), group.slice(middle)];
    const leftIsGood = await isGood(left);
    if (!leftIsGood) await search(left, true);
    if (culprits.length > most) return;
    if (leftIsGood) await search(right, false);
    else if (!(await isGood(right))) await search(right, true);
  };
  if (suspects.length > 0) await search(suspects, true);
  return culprits;
}
