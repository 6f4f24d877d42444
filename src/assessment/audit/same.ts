import type { Statement } from '../text/statement.js';

/** Which statements a text lacks, and which it has too many; the order among statements does not count. */
export function differenceOf(
  wanted: readonly Statement[],
  found: readonly Statement[],
): { readonly missing: readonly Statement[]; readonly added: readonly Statement[] } {
  const open = new Map<string, Statement[]>();
  for (const statement of wanted) {
    const key = keyOf(statement);
    const twins = open.get(key);
    if (twins === undefined) open.set(key, [statement]);
    else twins.push(statement);
  }
  const added = found.filter((statement) => open.get(keyOf(statement))?.pop() === undefined);
  return { missing: [...open.values()].flat(), added };
}

/** Equal for equal statements, whatever the order of their members. */
export function keyOf(statement: Statement): string {
  const members = Object.entries(statement).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(members);
}
