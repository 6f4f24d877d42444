import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { RateLimiterPostgres, type RateLimiterMemory } from 'rate-limiter-flexible';
import { Clock } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database } from '../../database/database.service.js';
import { showLimitStore } from './limit-metrics.js';
import { LimitsConnection } from './limits-connection.js';

/** A place that an event stream holds; the token tells it from whoever holds the place later. */
export interface HeldPlace {
  readonly keyId: string;
  readonly place: number;
  readonly token: string;
}

export interface PlaceRequest {
  readonly keyId: string;
  readonly token: string;
  /** How many places a key has. */
  readonly places: number;
  readonly leaseSeconds: number;
}

/**
 * Waits for no lock, and is refused by a standby. Several statements in one text, so that `set local` goes no further and it is
 * one round trip.
 */
const TRIAL = `begin; set local lock_timeout = '200ms'; lock table rate_limits, event_streams in row exclusive mode; commit`;

/** Each lost race means that another stream has got a place, so that none is free after as many as there are places. */
const MOST_RACES = 20;

/** What is counted across processes (RATE_LIMIT_STORE=postgres). */
@Injectable()
export class LimitStore implements OnApplicationShutdown {
  /** For tests: what it does when the database does not answer. */
  readonly connection: LimitsConnection;

  constructor(
    @Inject(APP_CONFIG) config: { readonly database: Pick<AppConfig['database'], 'prepared'> },
    private readonly database: Database,
    clock: Clock,
  ) {
    this.connection = new LimitsConnection(database, clock, { trial: TRIAL, prepared: config.database.prepared });
  }

  /**
   * Counts as `own` does, for all processes together; `own` counts while the database does not answer. A key that
   * was refused costs no statement until its minute is over.
   */
  limiter(own: RateLimiterMemory): RateLimiterPostgres {
    const { keyPrefix, points, duration } = own;
    return new RateLimiterPostgres({
      keyPrefix,
      points,
      duration,
      storeType: 'client',
      // Without the library's names: they would be prepared statements, which a pooler may lose.
      storeClient: {
        query: ({ text, values }: { text: string; values: unknown[] }) => this.connection.query(text, values),
      },
      tableName: 'rate_limits',
      tableCreated: true,
      // A worker removes old rows, or every process would look for them.
      clearExpiredByTimeout: false,
      insuranceLimiter: own,
      // Not at the last request that is let through: it may be a 304, which gives its count back.
      inMemoryBlockOnConsumed: points + 1,
    });
  }

  /**
   * A free place of the key, or undefined when it has none.
   * @throws when the database does not answer
   */
  async takePlace({ keyId, token, places, leaseSeconds }: PlaceRequest): Promise<HeldPlace | undefined> {
    for (let race = 0; race < MOST_RACES; race++) {
      // Two that choose the same place at once wait for each other at its row; the later one finds it held and looks again.
      const { rows } = await this.connection.query(
        `with free as (
           select p.place from generate_series(1, $2::int) as p(place)
            where not exists (select 1 from event_streams s
              where s.key_id = $1 and s.place = p.place and s.held_until > clock_timestamp())
            order by random() limit 1
         ), taken as (
           insert into event_streams as s (key_id, place, token, held_until)
           select $1, place, $3::uuid, clock_timestamp() + make_interval(secs => $4) from free
           on conflict (key_id, place) do update set token = excluded.token, held_until = excluded.held_until
            where s.held_until <= clock_timestamp()
           returning place
         ) select f.place as free, t.place as taken from free f left join taken t on true`,
        [keyId, places, token, leaseSeconds],
      );
      const [chosen] = rows as { free: number; taken: number | null }[];
      if (chosen === undefined) return undefined;
      if (chosen.taken !== null) return { keyId, place: chosen.taken, token };
    }
    return undefined;
  }

  /**
   * Renews all of them in one statement; one whose row is gone, as after a crash of the server, gets it back.
   * @returns the tokens of those that are held
   * @throws when the database does not answer
   */
  async renewPlaces(held: readonly HeldPlace[], leaseSeconds: number): Promise<ReadonlySet<string>> {
    const { rows } = await this.connection.query(
      `insert into event_streams as s (key_id, place, token, held_until)
       select key_id, place, token, clock_timestamp() + make_interval(secs => $4)
         from unnest($1::text[], $2::smallint[], $3::uuid[]) as h(key_id, place, token)
       on conflict (key_id, place) do update set token = excluded.token, held_until = excluded.held_until
        where s.token = excluded.token or s.held_until <= clock_timestamp()
       returning token`,
      [...columnsOf(held), leaseSeconds],
    );
    return new Set((rows as { token: string }[]).map(({ token }) => token));
  }

  /** @throws when the database does not answer; then the leases run out */
  async leavePlaces(held: readonly HeldPlace[]): Promise<void> {
    await this.connection.query(
      `delete from event_streams s using unnest($1::text[], $2::smallint[], $3::uuid[]) as h(key_id, place, token)
        where s.key_id = h.key_id and s.place = h.place and s.token = h.token`,
      columnsOf(held),
    );
  }

  /** Removes what has counted for nothing for an hour. Longer than clocks of machines differ, which the counts are kept by. */
  async sweep(): Promise<void> {
    await this.database.execute(
      `delete from rate_limits where expire < (extract(epoch from now() - interval '1 hour') * 1000)::bigint`,
    );
    await this.database.execute(`delete from event_streams where held_until < now() - interval '1 hour'`);
  }

  /** Call it before the first request comes. */
  begin(): Promise<void> {
    showLimitStore(() => !this.connection.rests);
    return this.connection.begin();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.connection.close();
  }
}

/** Sorted, so that two processes that write the same rows never wait for each other in a circle. */
function columnsOf(held: readonly HeldPlace[]): [string[], number[], string[]] {
  const sorted = held.toSorted((a, b) => (a.keyId < b.keyId ? -1 : a.keyId > b.keyId ? 1 : a.place - b.place));
  return [sorted.map(({ keyId }) => keyId), sorted.map(({ place }) => place), sorted.map(({ token }) => token)];
}
