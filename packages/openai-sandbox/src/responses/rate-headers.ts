const LIMIT_REQUESTS = 30_000;
const LIMIT_TOKENS = 150_000_000;

/** The x-ratelimit-* headers of one minute and model; only reported, never enforced (a fault can do that). */
export class RateHeaders {
  private readonly minutes = new Map<string, { minute: number; requests: number; tokens: number }>();

  count(model: string, tokens: number): Record<string, string> {
    const now = Date.now();
    const minute = Math.floor(now / 60_000);
    const known = this.minutes.get(model);
    const used = known?.minute === minute ? known : { minute, requests: 0, tokens: 0 };
    used.requests++;
    used.tokens += tokens;
    this.minutes.set(model, used);
    return {
      'x-ratelimit-limit-requests': String(LIMIT_REQUESTS),
      'x-ratelimit-limit-tokens': String(LIMIT_TOKENS),
      'x-ratelimit-remaining-requests': String(Math.max(0, LIMIT_REQUESTS - used.requests)),
      'x-ratelimit-remaining-tokens': String(Math.max(0, LIMIT_TOKENS - used.tokens)),
      'x-ratelimit-reset-requests': '2ms',
      'x-ratelimit-reset-tokens': `${Math.ceil((60_000 - (now % 60_000)) / 1000)}s`,
    };
  }
}
