/**
 * How many cases a slow property tries: a tenth of `all` by default, and all of them with PROPERTY_RUNS=all (as in
 * .ci/run). It is for properties that would otherwise take seconds; quick ones use fast-check's own number.
 */
export function propertyRuns(all = 100): { readonly numRuns: number } {
  return { numRuns: process.env['PROPERTY_RUNS'] === 'all' ? all : Math.ceil(all / 10) };
}
