import type { PhotoDownload, PhotoFetcher } from 'openai-sandbox';
import { AllowList } from '../outbound/address-rules.js';
import { NameResolver } from '../outbound/name-resolver.js';
import { OutboundClient } from '../outbound/outbound-client.js';
import { OutboundError } from '../outbound/outbound-error.js';

/** Above the service's own limit, so that the sandbox refuses no photo that the service accepts. */
const MOST_PHOTO_BYTES = 50 * 1024 * 1024;
const MOST_REDIRECTS = 3;

/** Fetches photos through the outbound guard: the addresses come from the sandbox's callers. */
export class GuardedFetcher implements PhotoFetcher {
  private readonly client: OutboundClient;

  constructor(
    allow: readonly string[],
    private readonly timeoutSeconds: number,
  ) {
    this.client = new OutboundClient(AllowList.parse(allow), new NameResolver());
  }

  async fetch(url: string, signal: AbortSignal): Promise<PhotoDownload> {
    try {
      const answer = await this.client.request(url, {
        purpose: 'sandbox',
        method: 'GET',
        deadlineMs: this.timeoutSeconds * 1000,
        maxBytes: MOST_PHOTO_BYTES,
        redirects: MOST_REDIRECTS,
        signal,
      });
      const problems = { complete: null, limit: 'too_large', deadline: 'timeout', reset: 'unreachable' } as const;
      return { status: answer.status, body: answer.body, problem: problems[answer.bodyEnd] };
    } catch (error) {
      signal.throwIfAborted();
      const isTimeout = error instanceof OutboundError && error.kind === 'timeout';
      return { status: 0, body: Buffer.alloc(0), problem: isTimeout ? 'timeout' : 'unreachable' };
    }
  }

  async close(): Promise<void> {
    await this.client.onApplicationShutdown();
  }
}
