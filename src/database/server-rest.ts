import type { Logger } from '@nestjs/common';
import type { Clock } from '../common/clock.js';

/** How long nothing is sent before the server is tried again. */
const REST_MS = 5000;

export interface RestOptions {
  /** Resolves when the server can be used; it must not wait long itself. */
  readonly trial: () => Promise<unknown>;
  readonly logger: Logger;
  /** What the log says when a rest begins, and when it is over. */
  readonly away: string;
  readonly back: string;
}

/**
 * The rest of a server that has failed and that nobody has to wait for, because the work can be done without it. Whoever uses it looks
 * whether it rests, and says when it failed. Whether it is back is found out by a trial that belongs to no request.
 */
export class ServerRest {
  private readonly stopping = new AbortController();
  private resting = false;

  constructor(
    private readonly clock: Clock,
    private readonly options: RestOptions,
  ) {}

  get isOn(): boolean {
    return this.resting;
  }

  begin({ message, code }: Error & { readonly code?: unknown }): void {
    if (this.resting || this.stopping.signal.aborted) return;
    this.resting = true;
    const { logger, away } = this.options;
    logger.warn(away, { reason: message || code });
    void this.untilBack();
  }

  /** At the end of the process. */
  stop(): void {
    this.stopping.abort();
  }

  private async untilBack(): Promise<void> {
    const { trial, logger, back } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.clock.sleep(REST_MS, signal);
        await trial();
        this.resting = false;
        logger.log(back);
        return;
      } catch {
        // It is still away, or the process is ending.
      }
    }
  }
}
