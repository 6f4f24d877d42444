import { pause, signed } from '../prove/stage.mjs';

const PER_SECOND = 10;

/**
 * Asks for a list ten times a second, even if the request before is not answered yet. @returns milliseconds, sorted,
 * and one answer
 */
export async function askLists(origin, query, seconds) {
  const asked = [];
  for (let n = 0; n < seconds * PER_SECOND; n++) {
    asked.push(ask(origin, query));
    await pause(1000 / PER_SECOND);
  }
  const answers = await Promise.all(asked);
  return {
    milliseconds: answers.map(({ took }) => took).sort((a, b) => a - b),
    total: answers[0].body.pagination.total,
  };
}

async function ask(origin, query) {
  const start = performance.now();
  const answer = await signed(origin, `/api/v1/batch-jobs${query}`);
  const body = await answer.json();
  if (answer.status !== 200) throw new Error(`${query}: ${answer.status} ${JSON.stringify(body)}`);
  return { took: performance.now() - start, body };
}

export function percentile(sorted, share) {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] * 10) / 10;
}
