/**
 * What counts across processes with RATE_LIMIT_STORE=postgres: requests of a key in a minute, and its open event streams.
 * Unlogged: every request writes here, and what a crash of the server takes is a minute's count and leases that are renewed.
 */
export class SharedLimits1764420000000 {
  name = 'SharedLimits1764420000000';
  tables = ['rate_limits', 'event_streams'];

  async up(queryRunner) {
    // The columns and their order are those of rate-limiter-flexible. Half of each page is left free, so that the same row can be
    // written again and again without a new entry in the index.
    await queryRunner.query(`create unlogged table rate_limits (
      key text not null,
      points integer not null default 0,
      -- Milliseconds since 1970, by the clock of the process that counted.
      expire bigint,
      constraint rate_limits_pkey primary key (key)
    ) with (fillfactor = 50)`);
    await queryRunner.query(`create unlogged table event_streams (
      key_id text not null,
      place smallint not null,
      token uuid not null,
      held_until timestamptz not null,
      constraint event_streams_pkey primary key (key_id, place)
    ) with (fillfactor = 50)`);
  }

  async down(queryRunner) {
    await queryRunner.query('drop table event_streams');
    await queryRunner.query('drop table rate_limits');
  }
}
