import { Inject, Injectable, Logger, type BeforeApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { ServiceError } from '../../common/service-error.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { LimitStore, type HeldPlace } from './limit-store.js';

/** Open event streams of one key. */
const MOST_STREAMS = 10;
const RETRY_AFTER_SECONDS = 30;

/** An event stream that is counted. */
interface OpenStream {
  /** Undefined: counted by this process alone, as every stream is with RATE_LIMIT_STORE=memory. */
  place: HeldPlace | undefined;
}

/**
 * How many event streams a key has open. With RATE_LIMIT_STORE=postgres each holds one of its key's places in the database, under a
 * lease that this process renews for all its streams in one statement; so the places of a process that is gone are free when their
 * leases are over. A database that is away closes no stream: those that open meanwhile are counted by this process alone.
 */
@Injectable()
export class OpenStreams implements OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger(OpenStreams.name);
  private readonly streams = new Map<string, Set<OpenStream>>();
  private readonly shared: boolean;
  private readonly leaseSeconds: number;
  private leaving: HeldPlace[] = [];
  private readonly sent = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private ending = false;

  constructor(
    @Inject(APP_CONFIG)
    config: {
      readonly limits: Pick<AppConfig['limits'], 'rateLimitStore'>;
      readonly jobs: Pick<AppConfig['jobs'], 'leaseSeconds'>;
    },
    private readonly store: LimitStore,
  ) {
    this.shared = config.limits.rateLimitStore === 'postgres';
    this.leaseSeconds = config.jobs.leaseSeconds;
  }

  /**
   * Counts one more stream of the key.
   * @returns a function to call once when it has ended
   * @throws ServiceError RATE_LIMITED
   */
  async open(keyId: string): Promise<() => void> {
    const ours = this.streams.get(keyId) ?? new Set();
    if (ours.size >= MOST_STREAMS) throw tooMany();
    const stream: OpenStream = { place: undefined };
    // Before anything is waited for, or more could pass at once.
    ours.add(stream);
    this.streams.set(keyId, ours);
    const close = () => {
      ours.delete(stream);
      if (ours.size === 0 && this.streams.get(keyId) === ours) this.streams.delete(keyId);
      if (stream.place !== undefined) this.leave(stream.place);
      stream.place = undefined;
    };
    if (!this.shared || this.ending) return close;
    try {
      const request = { keyId, token: randomUUID(), places: MOST_STREAMS, leaseSeconds: this.leaseSeconds };
      stream.place = await this.store.takePlace(request);
    } catch {
      // The store has said so in the log, once for all.
      return close;
    }
    if (stream.place === undefined) {
      close();
      throw tooMany();
    }
    this.timer ??= setInterval(() => void this.renew(), (this.leaseSeconds * 1000) / 3).unref();
    return close;
  }

  /** Once every third of a lease by itself. */
  async renew(): Promise<void> {
    const held = [...this.streams.values()].flatMap((streams) =>
      [...streams].filter(({ place }) => place !== undefined),
    );
    if (held.length === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    const places = held.flatMap(({ place }) => place ?? []);
    try {
      const renewed = await this.store.renewPlaces(places, this.leaseSeconds);
      for (const stream of held) {
        // Its lease was over, because the database or this process stood still, and another stream has its place.
        if (stream.place !== undefined && !renewed.has(stream.place.token)) stream.place = undefined;
      }
      // A stream that ended meanwhile has left its place, and this statement may have taken it back.
      const open = new Set([...this.streams.values()].flatMap((streams) => [...streams]));
      const gone = held.flatMap((stream, index) => (open.has(stream) ? [] : (places[index] ?? [])));
      for (const place of gone) this.leave(place);
    } catch (error) {
      const { message: reason } = error as Error;
      this.logger.warn('places of event streams could not be renewed', { streams: held.length, reason });
    }
  }

  /** All streams end now (JobWatcher); those that have not yet leave their places here. */
  onModuleDestroy(): void {
    this.ending = true;
    clearInterval(this.timer);
    for (const streams of this.streams.values()) {
      for (const stream of streams) {
        if (stream.place !== undefined) this.leave(stream.place);
        stream.place = undefined;
      }
    }
  }

  /** The database can be told so only until the application has closed. */
  async beforeApplicationShutdown(): Promise<void> {
    this.sendLeaving();
    await Promise.all(this.sent);
  }

  /** Those that end in the same turn of the event loop leave in one statement. */
  private leave(place: HeldPlace): void {
    this.leaving.push(place);
    if (this.leaving.length === 1) setImmediate(() => this.sendLeaving());
  }

  private sendLeaving(): void {
    if (this.leaving.length === 0) return;
    const places = this.leaving;
    this.leaving = [];
    // If the database does not answer, the leases run out.
    const sent = this.store
      .leavePlaces(places)
      .catch(() => undefined)
      .finally(() => this.sent.delete(sent));
    this.sent.add(sent);
  }
}

function tooMany(): ServiceError {
  return new ServiceError('RATE_LIMITED', `At most ${MOST_STREAMS} event streams may be open at once.`, {
    headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) },
  });
}
