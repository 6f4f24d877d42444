import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { JobStatusStore } from '../jobs/job-status-store.js';

/** The pause between two look-ups of the tags of all watched jobs, which are one statement for the whole process. */
const LOOK_UP_MS = 1000;

interface Watcher {
  readonly tag: string;
  wake(changed: boolean): void;
}

export interface WaitLimits {
  readonly timeoutMs: number;
  /** Ends the wait, for example when the client disconnects. */
  readonly signal: AbortSignal;
}

/** Waits for jobs to change. All long polls and event streams share one look-up a second. */
@Injectable()
export class JobWatcher implements OnModuleDestroy {
  private readonly logger = new Logger(JobWatcher.name);
  private readonly watchers = new Map<string, Set<Watcher>>();
  private readonly shutdown = new AbortController();
  private lookingUp = false;

  constructor(
    private readonly states: JobStatusStore,
    private readonly clock: Clock,
  ) {}

  /** True once the process is ending: nothing waits any longer, and streams must close. */
  get closing(): boolean {
    return this.shutdown.signal.aborted;
  }

  /** Ends every wait at once, because closing the server waits for the requests that wait here. */
  onModuleDestroy(): void {
    this.shutdown.abort();
    for (const watchers of this.watchers.values()) for (const watcher of watchers) watcher.wake(false);
  }

  /**
   * Waits until the job's tag differs from `tag`, or the job is gone.
   * @returns false when the time was over, the signal aborted, or the process is ending
   */
  waitForChange(jobId: string, tag: string, limits: WaitLimits): Promise<boolean> {
    if (this.closing || limits.signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const watcher: Watcher = {
        tag,
        wake: (changed) => {
          clearTimeout(timer);
          limits.signal.removeEventListener('abort', onAbort);
          this.remove(jobId, watcher);
          resolve(changed);
        },
      };
      const onAbort = () => watcher.wake(false);
      const timer = setTimeout(onAbort, limits.timeoutMs);
      limits.signal.addEventListener('abort', onAbort, { once: true });
      this.add(jobId, watcher);
    });
  }

  private add(jobId: string, watcher: Watcher): void {
    const watchers = this.watchers.get(jobId);
    if (watchers === undefined) this.watchers.set(jobId, new Set([watcher]));
    else watchers.add(watcher);
    if (!this.lookingUp) void this.lookUpWhileWatched();
  }

  private remove(jobId: string, watcher: Watcher): void {
    const watchers = this.watchers.get(jobId);
    watchers?.delete(watcher);
    if (watchers?.size === 0) this.watchers.delete(jobId);
  }

  private async lookUpWhileWatched(): Promise<void> {
    this.lookingUp = true;
    try {
      while (this.watchers.size > 0 && !this.closing) {
        await this.clock.sleep(LOOK_UP_MS, this.shutdown.signal).catch(() => undefined);
        if (!this.closing) await this.lookUp();
      }
    } finally {
      this.lookingUp = false;
    }
  }

  private async lookUp(): Promise<void> {
    const watched = [...this.watchers.keys()];
    if (watched.length === 0) return;
    try {
      const tags = await this.states.tags(watched);
      for (const id of watched) {
        for (const watcher of this.watchers.get(id) ?? []) {
          if (tags.get(id) !== watcher.tag) watcher.wake(true);
        }
      }
    } catch (error) {
      // It is tried again a second later. A request whose waiting time is over is answered with the present state.
      this.logger.warn('the look-up of watched jobs failed', { reason: (error as Error).message });
    }
  }
}
