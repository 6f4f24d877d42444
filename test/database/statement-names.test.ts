import type { DataSource } from 'typeorm';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../src/database/database.service.js';
import { StatementNames } from '../../src/database/statement-names.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

// Real: PostgreSQL and pg. Faked: the pooler between them, which gives a process any connection for each statement.

let db: TestDatabase;
let connections: pg.Client[];

beforeAll(async () => {
  db = await createTestDatabase({ empty: true });
  connections = [new pg.Client(db.url), new pg.Client(db.url)];
  for (const connection of connections) await connection.connect();
});
afterAll(async () => {
  for (const connection of connections) await connection.end();
  await db.drop();
});

/** The statements that pg believes are prepared on the one connection that it has to the pooler. */
type Parsed = Record<string, string>;

/** A process whose statements go to any connection that the pooler has free. */
function pooledProcess() {
  const parsed: Parsed = {};
  let on = 0;
  const master = {
    options: {},
    on: () => undefined,
    query: async (config: pg.QueryConfig) => {
      const client = connections[on] as pg.Client & { connection: { parsedStatements: Parsed } };
      const before = client.connection.parsedStatements;
      client.connection.parsedStatements = parsed;
      try {
        return await client.query(config);
      } finally {
        client.connection.parsedStatements = before;
      }
    },
  };
  const dataSource = { driver: { master } } as unknown as DataSource;
  const database = new Database(dataSource, { database: { prepared: true } });
  return {
    query: (connection: number, text: string) => {
      on = connection;
      return database.query<{ who: string }>(text);
    },
  };
}

describe('names of prepared statements', () => {
  it("a prepared statement's name never runs the statement of another process on a connection that a pooler shares out", async () => {
    const [one, two] = [pooledProcess(), pooledProcess()];
    const [mine, yours] = [`select 'mine' as who`, `select 'yours' as who`];
    expect(await one.query(0, mine)).toEqual([{ who: 'mine' }]);
    expect(await one.query(0, yours)).toEqual([{ who: 'yours' }]);
    // The other process prepares them in the other order, on the other connection, and is then given the first one.
    expect(await two.query(1, yours)).toEqual([{ who: 'yours' }]);
    expect(await two.query(0, yours)).toEqual([{ who: 'yours' }]);
    expect(await two.query(1, mine)).toEqual([{ who: 'mine' }]);
    expect(await two.query(0, mine)).toEqual([{ who: 'mine' }]);
  });

  it("a prepared statement's name is the same in every process, another for another text, and short enough for PostgreSQL", () => {
    const texts = Array.from({ length: 500 }, (_, index) => `select ${index}`);
    const [one, two] = [new StatementNames(), new StatementNames()];
    const names = texts.map((text) => one.nameOf(text));
    expect(texts.toReversed().map((text) => two.nameOf(text))).toEqual(names.toReversed());
    expect(new Set(names).size).toBe(500);
    for (const name of names) expect(name).toMatch(/^[a-z0-9_]{1,63}$/);
  });
});
