/**
 * How many cases a slow property tries: a tenth of `all` while working, every one where PROPERTY_RUNS=all (as in .ci/run).
 * For properties that would take seconds otherwise; quick ones keep fast-check's own number.
 */
export function propertyRuns(all = 100): { readonly numRuns: number } {
  return { numRuns: process.env['PROPERTY_RUNS'] === 'all' ? all : Math.ceil(all / 10) };
}
