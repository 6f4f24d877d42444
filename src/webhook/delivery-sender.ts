import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { newId } from '../common/ids.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { AttemptRunner } from './attempt-runner.js';
import { DeliveryHints } from '../common/work-hints.js';
import { ClaimStore, deliveryLeaseSeconds } from './claim-store.js';
import type { ClaimedDelivery } from './claimed-delivery.js';
import { OutcomeWriter } from './outcome-writer.js';
import { CIRCUIT_FAILURES } from './receiver-limits.js';
import { keyOf, SendQueue } from './send-queue.js';
import { countUnknownOutcomes, showInFlight } from './webhook-metrics.js';

/** How many requests of one process may be in flight; the bytes of their bodies have a limit of their own. */
const MAX_REQUESTS = 256;
const MAX_BODY_BYTES = 32 * 1024 * 1024;
/**
 * More deliveries of a receiver are claimed when those left to send are down to this many times its slots; up to four
 * times may wait. With two, the slots ran empty before the claim's bodies were read: 4,200 deliveries a second instead
 * of 6,300.
 */
const CLAIM_WHEN_LEFT = 3;
/** How many deliveries may be held and not yet sent: as many as 256 slots use up while the next claim runs. */
const MAX_WAITING = 512;

interface HeldDelivery extends ClaimedDelivery {
  /** The latest time at which its request may begin, on the monotonic clock, in milliseconds. */
  readonly startBy: number;
}

/**
 * Sends due deliveries: it claims ahead, gives each receiver its share, and writes many outcomes at once. A claim lasts
 * for one lease. A request begins in the first half of it or not at all, and its deadline is well before the lease's
 * end. So no two processes send the same attempt, and no lease has to be renewed.
 */
@Injectable()
export class DeliverySender implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger(DeliverySender.name);
  private readonly waiting = new SendQueue<HeldDelivery>({ requests: MAX_REQUESTS, bytes: MAX_BODY_BYTES });
  private readonly underWay = new Set<Promise<void>>();
  private readonly preparing = new Set<Promise<void>>();
  /** The number of claimed deliveries whose bodies are still being read, by receiver. */
  private readonly unprepared = new Map<string, number>();
  /** Receivers, with their slots, of which the latest claim took as many deliveries as it could: more may be due. */
  private readonly mayHaveMore = new Map<string, number>();
  private readonly failuresInRow = new Map<string, number>();
  private returning: Promise<void> = Promise.resolve();
  private claiming: Promise<void> | undefined;
  private moreIsDue = false;
  private stopping = false;
  private unsubscribe: (() => void) | undefined;

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly hints: DeliveryHints,
    private readonly claims: ClaimStore,
    private readonly runner: AttemptRunner,
    private readonly writer: OutcomeWriter,
  ) {
    // Written deliveries no longer count towards their receiver's share, in any process.
    writer.onWritten(() => {
      for (const [key, slots] of this.mayHaveMore) this.claimAhead(key, slots);
    });
  }

  onApplicationBootstrap(): void {
    this.unsubscribe = this.hints.onWake(() => this.wake());
  }

  /** Starts claiming and sending what is due. Calls while this is under way count as one. */
  wake(): void {
    if (this.stopping) return;
    this.moreIsDue = true;
    this.claiming ??= this.claimAll().finally(() => {
      this.claiming = undefined;
      // The request came after the loop had looked for the last time.
      if (this.moreIsDue) this.wake();
    });
  }

  /** Finds work that no hint announces: retries that are due, and deliveries of dead or overloaded processes. */
  async sweep(): Promise<void> {
    if (this.stopping) return;
    this.handBackLate();
    countUnknownOutcomes(await this.claims.takeBackExpired(this.clock.date()));
    this.wake();
    await this.claiming;
  }

  /** No further request begins. Deliveries that were claimed but not sent are given back for other processes. */
  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    this.unsubscribe?.();
    await this.claiming;
    await Promise.all(this.preparing);
    this.handBack(this.waiting.remove(() => true));
    await this.returning;
  }

  /** Requests under way get the same grace as requests to this service; those that take longer are sent again. */
  async beforeApplicationShutdown(): Promise<void> {
    const grace = new AbortController();
    const over = this.clock.sleep(this.config.http.shutdownGraceSeconds * 1000, grace.signal).catch(() => undefined);
    await Promise.race([Promise.all(this.underWay), over]);
    grace.abort();
    await this.writer.flush(3);
  }

  private get holdsNothing(): boolean {
    return this.waiting.active + this.unsent === 0;
  }

  private get unsent(): number {
    let count = this.waiting.waiting;
    for (const unprepared of this.unprepared.values()) count += unprepared;
    return count;
  }

  private async claimAll(): Promise<void> {
    try {
      while (this.moreIsDue && !this.stopping) {
        this.moreIsDue = false;
        const limit = MAX_WAITING - this.unsent;
        if (limit <= 0) break;
        const claimed = await this.claim(limit);
        this.moreIsDue ||= claimed.length >= limit;
        if (claimed.length === 0) continue;
        // Not awaited: the next claim runs while the bodies of this one are read.
        const preparing = this.prepare(claimed).finally(() => this.preparing.delete(preparing));
        this.preparing.add(preparing);
      }
    } catch (error) {
      // Nothing is lost: the next sweep tries again.
      this.logger.warn('webhooks could not be claimed', { reason: (error as Error).message });
    }
  }

  private async prepare(claimed: readonly HeldDelivery[]): Promise<void> {
    const counts = countByReceiver(claimed);
    for (const [key, count] of counts) this.unprepared.set(key, (this.unprepared.get(key) ?? 0) + count);
    await this.runner.prepare(claimed);
    for (const [key, count] of counts) {
      const left = (this.unprepared.get(key) ?? 0) - count;
      if (left > 0) this.unprepared.set(key, left);
      else this.unprepared.delete(key);
    }
    for (const delivery of claimed) this.waiting.add(delivery);
    this.sendNext();
  }

  private async claim(limit: number): Promise<HeldDelivery[]> {
    const leaseSeconds = deliveryLeaseSeconds(this.config);
    // Computed before the statement, because the lease begins while that runs.
    const startBy = performance.now() + (leaseSeconds * 1000) / 2;
    const unwritten = this.writer.unwritten();
    const claimed = await this.claims.claim({ token: newId(), leaseSeconds, limit, now: this.clock.date(), unwritten });
    this.noticeMore(claimed);
    // The rows belong to us, so they are changed in place: copies of two dozen members were a tenth of the garbage.
    return claimed.map((delivery) => Object.assign(delivery, { startBy }));
  }

  private sendNext(): void {
    if (this.stopping) return;
    for (let next = this.waiting.next(); next !== undefined; next = this.waiting.next()) {
      const sending = this.send(next).finally(() => this.underWay.delete(sending));
      this.underWay.add(sending);
    }
    showInFlight(this.waiting.active);
  }

  private async send(delivery: HeldDelivery): Promise<void> {
    const late = this.stopping || performance.now() > delivery.startBy;
    const settled = late ? undefined : await this.runner.run(delivery, delivery.startBy);
    this.waiting.finish(delivery);
    if (settled === undefined) {
      this.handBack([delivery]);
    } else {
      this.noticeHealth(delivery, settled.verdict.outcome === 'delivered' || settled.verdict.gone);
      this.writer.add(settled, this.waiting.active > 0);
    }
    this.sendNext();
    this.claimAhead(keyOf(delivery), delivery.slots);
  }

  private noticeMore(claimed: readonly ClaimedDelivery[]): void {
    const counts = countByReceiver(claimed);
    for (const delivery of claimed) {
      const key = keyOf(delivery);
      if ((counts.get(key) as number) >= delivery.room) this.mayHaveMore.set(key, delivery.slots);
      else this.mayHaveMore.delete(key);
    }
    // An empty claim may also mean that there was no room while this process holds some; the next write asks again.
    if (claimed.length === 0 && this.holdsNothing) this.mayHaveMore.clear();
  }

  /**
   * Claims more before a busy receiver's slots run empty, because a claim takes as long as some dozens of requests. It
   * does not while a claim is under way, and deliveries whose bodies are still being read count as left. Otherwise
   * claims were a third of their size, and four in ten were empty.
   */
  private claimAhead(key: string, slots: number): void {
    if (this.claiming !== undefined || !this.mayHaveMore.has(key)) return;
    if (this.waiting.waitingWith(key) + (this.unprepared.get(key) ?? 0) <= CLAIM_WHEN_LEFT * slots) this.wake();
  }

  /** Gives back the waiting deliveries of a receiver that is down: they would fail too, while its circuit is open. */
  private noticeHealth(delivery: HeldDelivery, answered: boolean): void {
    const key = keyOf(delivery);
    if (answered) {
      this.failuresInRow.delete(key);
      return;
    }
    const failures = (this.failuresInRow.get(key) ?? 0) + 1;
    this.failuresInRow.set(key, failures);
    if (failures < CIRCUIT_FAILURES) return;
    this.failuresInRow.delete(key);
    this.handBack(this.waiting.remove(({ keyId, origin }) => keyId === delivery.keyId && origin === delivery.origin));
  }

  private handBackLate(): void {
    const now = performance.now();
    this.handBack(this.waiting.remove(({ startBy }) => now > startBy));
  }

  private handBack(deliveries: readonly HeldDelivery[]): void {
    if (deliveries.length === 0) return;
    this.returning = Promise.all([this.returning, this.claims.handBack(deliveries)]).then(
      () => undefined,
      // Their leases end by themselves; the attempts then count as unknown.
      (error: Error) => this.logger.warn('webhooks could not be given back', { reason: error.message }),
    );
  }
}

function countByReceiver(deliveries: readonly ClaimedDelivery[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const delivery of deliveries) counts.set(keyOf(delivery), (counts.get(keyOf(delivery)) ?? 0) + 1);
  return counts;
}
