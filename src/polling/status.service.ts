import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { retryAfterSeconds } from '../jobs/job-progress.js';
import { isTerminal } from '../jobs/states.js';
import { CompletionEstimates } from './completion-estimates.js';
import { matchesEtag, statusEtag } from './conditional.js';
import { JobStatusStore, type JobState } from '../jobs/job-status-store.js';
import { JobWatcher, type WaitLimits } from './job-watcher.js';
import { statusBody } from './status-body.js';
import type { StatusDetails } from './status-details.js';

export interface StatusRequest {
  readonly jobId: string;
  /** null for an unsigned read that the settings allow. */
  readonly keyId: string | null;
  readonly ifNoneMatch: string | undefined;
  /** A long poll; absent: answer at once. */
  readonly wait?: WaitLimits;
}

export interface StatusAnswer {
  readonly etag: string;
  /** JSON text; null when the client already has this status. */
  readonly body: string | null;
  /** A hint for the next request; null once the job has ended. */
  readonly retryAfterSeconds: number | null;
}

/**
 * The number of jobs whose last status is kept as text, because it is often asked for; the largest take some 20 KB
 * each.
 */
const MAX_RENDERED = 200;

/** Where a job stands: at once, or at its next change. */
@Injectable()
export class StatusService {
  // The tag covers everything in the text, so a kept text can never be outdated.
  private readonly rendered = new Map<string, { readonly etag: string; readonly text: string }>();

  constructor(
    private readonly states: JobStatusStore,
    private readonly watcher: JobWatcher,
    private readonly estimates: CompletionEstimates,
    private readonly clock: Clock,
  ) {}

  /** @throws ServiceError JOB_NOT_FOUND */
  async read({ jobId, keyId, ifNoneMatch: known, wait }: StatusRequest): Promise<StatusAnswer> {
    let state = await this.states.find(jobId, keyId);
    let estimate = await this.estimates.of(state);
    if (
      wait !== undefined &&
      !isTerminal(state.status) &&
      (known === undefined || matchesEtag(known, statusEtag(state, estimate))) &&
      (await this.watcher.waitForChange(state.id, state.tag, wait))
    ) {
      state = await this.states.find(jobId, keyId);
    }
    if (wait !== undefined) estimate = await this.estimates.of(state);
    const etag = statusEtag(state, estimate);
    return {
      etag,
      body: matchesEtag(known, etag) ? null : this.text(state, estimate),
      retryAfterSeconds: isTerminal(state.status) ? null : retryAfterSeconds(state, this.clock.now()),
    };
  }

  /** The status as JSON text on one line. */
  async render(state: JobState): Promise<string> {
    return this.text(state, await this.estimates.of(state));
  }

  private text(state: JobState, estimate: Date | null): string {
    const { id } = state;
    const etag = statusEtag(state, estimate);
    const kept = this.rendered.get(id);
    if (kept?.etag === etag) return kept.text;
    const text = JSON.stringify(statusBody(state, JSON.parse(state.details) as StatusDetails, estimate));
    this.rendered.delete(id);
    this.rendered.set(id, { etag, text });
    const oldest = this.rendered.keys().next();
    if (this.rendered.size > MAX_RENDERED && oldest.done !== true) this.rendered.delete(oldest.value);
    return text;
  }
}
