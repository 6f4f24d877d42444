// What a proof asks the sandbox in place of OpenAI to do: faults, and how much work the sandbox counted.

/**
 * USD per million tokens (input, cached input, output), as published; a batch costs half. The service's own table is
 * not asked.
 */
const PRICES = { 'gpt-5.6-terra': [2, 0.2, 12], 'gpt-5.6-luna': [0.2, 0.02, 1.2] };
const BATCH_SHARE = 0.5;

const TERMINAL = ['completed', 'failed', 'expired', 'cancelled'];

export class Upstream {
  /** @param openai - OPENAI_BASE_URL of the sandbox */
  constructor(openai) {
    this.origin = new URL(openai).origin;
  }

  async faults(...rules) {
    const answer = await this.call('/sandbox/faults', 'POST', rules);
    if (answer.added === undefined) throw new Error(`a fault was refused: ${JSON.stringify(answer)}`);
  }

  clearFaults() {
    return this.call('/sandbox/faults', 'DELETE');
  }

  /** Moves the sandbox's own clock. */
  advance(seconds) {
    return this.call('/sandbox/clock', 'POST', { advanceSeconds: seconds });
  }

  /** The batches that were made for a job, in the order in which they were created. */
  async batches(jobId) {
    const { batches } = await this.call('/sandbox/batches');
    return batches.filter((batch) => batch.metadata?.job === jobId).reverse();
  }

  async hasEnded(jobId) {
    return (await this.batches(jobId)).every((batch) => TERMINAL.includes(batch.status));
  }

  /** Answers of POST /v1/responses since the sandbox started; a refused one costs nothing. */
  async directCalls() {
    return this.count((name) => name.startsWith('POST /v1/responses 200 '));
  }

  /** POST /v1/batches since the sandbox started, refused ones too. */
  async creations() {
    return this.count((name) => name.startsWith('POST /v1/batches '));
  }

  /** Whether a request is being worked on, or held by a fault, just now. */
  async isAt(method, pattern) {
    const { requests } = await this.call('/sandbox/log?bodies=false&limit=20000');
    return requests.some((entry) => entry.method === method && pattern.test(entry.path) && entry.outcome === 'running');
  }

  async count(matches) {
    const { counters } = await this.call('/sandbox/counters');
    return Object.entries(counters).reduce((sum, [name, count]) => (matches(name) ? sum + count : sum), 0);
  }

  async call(path, method = 'GET', body) {
    const answer = await fetch(this.origin + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
    });
    return answer.json();
  }
}

/** What writing a token to the prompt cache costs besides the token itself; models before gpt-5.6 write none. */
const CACHE_WRITE_EXTRA = 0.25;

/** Lines that ran, tokens and USD of these batches by the tokens that each says it used. */
export function billOf(batches) {
  const bill = { lines: 0, input: 0, output: 0, usd: 0 };
  for (const { model, usage, request_counts } of batches) {
    const { input_tokens: input, output_tokens: output } = usage;
    const { cached_tokens: cached, cache_write_tokens: written } = usage.input_tokens_details;
    const [perInput, perCached, perOutput] = PRICES[model];
    bill.lines += request_counts.completed;
    bill.input += input;
    bill.output += output;
    bill.usd +=
      (BATCH_SHARE *
        ((input - cached + CACHE_WRITE_EXTRA * written) * perInput + cached * perCached + output * perOutput)) /
      1e6;
  }
  return bill;
}
