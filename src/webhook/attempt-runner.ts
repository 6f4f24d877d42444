import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { isDatabaseAway } from '../common/database-away.js';
import { inSpan, noteOnSpan } from '../common/spans.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { OutboundClient } from '../outbound/outbound-client.js';
import { OutboundError } from '../outbound/outbound-error.js';
import { judge, type SendResult } from './attempt-outcome.js';
import { BodyGoneError, BodyRenderer, type RenderedBody } from './body-renderer.js';
import type { ClaimedDelivery, SettledAttempt } from './claimed-delivery.js';
import { NoLiveSecretError, WebhookSigner } from './webhook-signer.js';
import { countAttempt, countBodyChange } from './webhook-metrics.js';

/** How much of an answer is read; the rest is cut off, and a 2xx is still a success. */
const MAX_ANSWER_BYTES = 16 * 1024;
/** The status decides, so a slow body must not hold the slot for longer than this. */
const BODY_DEADLINE_MS = 1000;
const KEPT_CHARACTERS = 1000;

/** Runs one attempt, from the stored rows to the verdict. The claim has inserted the attempt's row before. */
@Injectable()
export class AttemptRunner {
  private readonly logger = new Logger(AttemptRunner.name);

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly renderer: BodyRenderer,
    private readonly signer: WebhookSigner,
    private readonly outbound: OutboundClient,
  ) {}

  /** Reads the lots of small deliveries ahead. If that fails, `run` reads them one by one. */
  async prepare(deliveries: readonly ClaimedDelivery[]): Promise<void> {
    try {
      await this.renderer.prefetch(deliveries);
    } catch (error) {
      this.logger.warn('webhooks could not be read ahead', { reason: (error as Error).message });
    }
  }

  /**
   * @param startBy - the latest start on the monotonic clock, in milliseconds: a later request could outlive its lease
   * @returns undefined when no request was sent, because the database is away or rendering took too long
   */
  run(delivery: ClaimedDelivery, startBy: number): Promise<SettledAttempt | undefined> {
    const { id, jobId, event, attempt } = delivery;
    const facts = {
      'job.id': jobId ?? undefined,
      'delivery.id': id,
      'delivery.event': event,
      'delivery.attempt': attempt,
    };
    return inSpan('delivery', facts, () => this.attempt(delivery, startBy), { root: true });
  }

  private async attempt(delivery: ClaimedDelivery, startBy: number): Promise<SettledAttempt | undefined> {
    const startedAt = this.clock.date();
    let body: RenderedBody | undefined;
    let result: SendResult;
    try {
      const rendering = this.renderer.render(delivery);
      body = rendering instanceof Promise ? await rendering : rendering;
      if (performance.now() > startBy) return undefined;
      this.noticeChange(delivery, body);
      result = await this.send(delivery, body);
    } catch (error) {
      if (isDatabaseAway(error)) return undefined;
      result = this.unsent(delivery, error);
    }
    const now = this.clock.now();
    const { schedule } = this.config.webhook;
    const budget = { schedule, failures: delivery.failures, retries: delivery.event !== 'ping' };
    const verdict = judge(result, budget, now, Math.random());
    countAttempt(verdict, result);
    noteOnSpan({ outcome: verdict.outcome });
    return { delivery, startedAt, finishedAt: new Date(now), result, verdict, bodySha256: body?.sha256 ?? null };
  }

  private async send(delivery: ClaimedDelivery, { bytes, secretFingerprint }: RenderedBody): Promise<SendResult> {
    const { id, keyId, jobId, attempt } = delivery;
    const timestamp = Math.floor(this.clock.now() / 1000);
    const signed = { keyId, jobId, attempt, deliveryId: id, secretFingerprint, timestamp };
    const headers = this.signer.headers(signed, bytes);
    const started = performance.now();
    try {
      const answer = await this.outbound.request(delivery.url, {
        purpose: 'webhook',
        method: 'POST',
        headers,
        body: bytes,
        deadlineMs: this.config.webhook.timeoutSeconds * 1000,
        bodyDeadlineMs: BODY_DEADLINE_MS,
        maxBytes: MAX_ANSWER_BYTES,
      });
      return {
        status: answer.status,
        retryAfter: answer.headers['retry-after'] ?? null,
        location: answer.headers['location'] ?? null,
        responseStart: answer.viaAllowList ? null : firstCharacters(answer.body),
        address: answer.remoteAddress,
        durationMs: performance.now() - started,
        error: null,
        mayKeepAnswer: !answer.viaAllowList,
      };
    } catch (error) {
      if (error instanceof OutboundError) return noAnswer(error.message, performance.now() - started);
      throw error;
    }
  }

  /**
   * A body that cannot be made or sent is a failed attempt like any other: the cause may be gone before the next one.
   */
  private unsent(delivery: ClaimedDelivery, error: unknown): SendResult {
    const known = error instanceof NoLiveSecretError || error instanceof BodyGoneError;
    this.logger.error('a webhook could not be made', {
      deliveryId: delivery.id,
      jobId: delivery.jobId,
      reason: known ? error.message : error instanceof Error ? error.stack : String(error),
    });
    return noAnswer(known ? error.message : 'the request could not be made', 0);
  }

  /**
   * Logs that an earlier attempt had other bytes, because a secret was replaced or a new release renders differently.
   * It is sent anyway: receivers recognize it by its webhook-id, and an update must not lose deliveries.
   */
  private noticeChange(delivery: ClaimedDelivery, body: RenderedBody): void {
    if (delivery.bodySha256 === null || delivery.bodySha256 === body.sha256) return;
    countBodyChange();
    this.logger.warn('a webhook differs from its earlier attempt', { deliveryId: delivery.id, jobId: delivery.jobId });
  }
}

function noAnswer(error: string, durationMs: number): SendResult {
  return {
    status: null,
    retryAfter: null,
    location: null,
    responseStart: null,
    address: null,
    durationMs,
    error,
    mayKeepAnswer: true,
  };
}

/** Counts code points, not bytes: cutting inside a character would leave a broken one. */
function firstCharacters(body: Buffer): string {
  // A character takes at most four bytes, so this many bytes contain all the characters that are kept.
  return Array.from(body.subarray(0, 4 * KEPT_CHARACTERS).toString('utf8'))
    .slice(0, KEPT_CHARACTERS)
    .join('');
}
