/** The middle value; of an even number the lower of the two. */
export function median(values) {
  return quantile(values, 0.5);
}

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** A ratio is taken within a round, because the machine's speed moves between rounds. */
export function medianRatio(values, floors) {
  return median(values.map((value, index) => value / floors[index]));
}

export function rounded(value, digits = 0) {
  return Number(value.toFixed(digits));
}

/** One line that says whether a target was reached. */
export function verdict(name, reached, target, unit) {
  return `${reached <= target ? 'reached' : 'MISSED '}  ${name}: ${rounded(reached, 2)}${unit} (to reach: ${target}${unit} at most)`;
}
