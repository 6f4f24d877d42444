import { cutText } from './cut-text.js';

/** `status[]` and `status[0]`: how PHP and others write the members of a list. */
const LIST_MEMBER = /^([^[\]]+)\[\d{0,9}\]$/;

/** The parameter that a name in a query stands for. */
function parameterOf(name: string): string {
  return LIST_MEMBER.exec(name)?.[1] ?? name;
}

/**
 * A parsed query with lists under their plain names: one value as a text, several as an array in the order sent. A
 * plain name sent twice is not a list: it is unclear which value was meant, so both are kept together and no rule
 * accepts them.
 */
export function plainQuery(query: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const values = new Map<string, unknown[]>();
  for (const [name, value] of Object.entries(query)) {
    const parameter = parameterOf(name);
    const members: unknown[] = Array.isArray(value) && parameter !== name ? value : [value];
    values.set(parameter, [...(values.get(parameter) ?? []), ...members]);
  }
  return Object.fromEntries(
    [...values].map(([name, all]) => [name, all.length === 1 && !Array.isArray(all[0]) ? all[0] : all]),
  );
}

const MOST_NAMED = 20;
const NAME_CHARACTERS = 64;

/** The value of X-Ignored-Parameters: the query's names that are not in `known`; null when there are none. */
export function ignoredParameters(query: Readonly<Record<string, unknown>>, known: ReadonlySet<string>): string | null {
  const ignored = Object.keys(query).filter((name) => !known.has(parameterOf(name)));
  return ignored.length === 0 ? null : ignored.slice(0, MOST_NAMED).map(headerText).join(', ');
}

/** A header may hold only ASCII, and a comma would turn one name into two. */
function headerText(name: string): string {
  return cutText(name, NAME_CHARACTERS).replace(/[^\w.~[\]-]/gu, encodeURIComponent);
}
