/**
 * Finds by halving which items spoil a group: each group that fails is cut in two, until single ones are left. `n` items of which `k`
 * are bad take about `2k × log2(n / k)` questions. What a question did not answer itself is asked before anyone is blamed.
 * @param suspects - known to fail together
 * @param isGood - whether these alone would pass
 * @param most - culprits that are worth knowing; the search ends as soon as there are more
 * @returns the culprits; none where every single one passes and only their number or size together is too much
 */
export async function findCulprits<T>(
  suspects: readonly T[],
  isGood: (group: readonly T[]) => Promise<boolean>,
  most: number,
): Promise<T[]> {
  const culprits: T[] = [];
  /** @param seenFailing - false where it only follows from what its other half did */
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
