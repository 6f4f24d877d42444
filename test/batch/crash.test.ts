import { afterAll, beforeAll, expect, it } from 'vitest';
import { OrphanedFiles } from '../../src/batch/upkeep/orphaned-files.js';
import { Database, type Sql, type Transaction } from '../../src/database/database.service.js';
import { BatchRig } from './rig.js';

class Killed extends Error {}

/** Stops the process, as the database sees it, at one of its statements: before it, or after it was committed. */
class Crasher {
  private left = Infinity;
  private after = false;
  struck = false;

  constructor(database: Database) {
    const guard = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        if (this.struck) throw new Killed('dead');
        this.left -= 1;
        if (this.left === 0 && !this.after) throw this.kill();
        const result = await call(...args);
        if (this.left <= 0 && this.after) throw this.kill();
        return result;
      };
    };
    database.query = guard(database.query.bind(database)) as Sql['query'];
    database.execute = guard(database.execute.bind(database));
    database.transaction = guard(
      database.transaction.bind(database) as (work: (tx: Transaction) => Promise<unknown>) => Promise<unknown>,
    ) as Database['transaction'];
  }

  arm(statements: number, after: boolean): void {
    this.left = statements;
    this.after = after;
    this.struck = false;
  }

  /** A new process. */
  restart(): void {
    this.left = Infinity;
    this.struck = false;
  }

  private kill(): Killed {
    this.struck = true;
    return new Killed('killed');
  }
}

let rig: BatchRig;
beforeAll(async () => {
  rig = await BatchRig.start();
});
afterAll(() => rig.close());

it.each([false, true])(
  'a job comes to the same end whichever statement is the last of a process (after it: %s)',
  async (after) => {
    const crasher = new Crasher(rig.module.get(Database));
    // One line needs a second try, so that retries are cut too.
    await rig.fault({ action: 'line_missing', count: 1, seed: String(after) });
    let crashes = 0;
    for (let statement = 1; ; statement += 1) {
      const id = await rig.job({ lots: 2 });
      crasher.arm(statement, after);
      await rig
        .runUntil(() => rig.settled())
        .catch((error: unknown) => {
          if (!crasher.struck) throw error;
        });
      const struck = crasher.struck;
      crasher.restart();
      expect(await rig.runToEnd(id), `statement ${statement}`).toMatchObject({
        status: 'completed',
        processed_lots: 2,
      });
      await rig.runUntil(() => rig.settled());
      // A file whose id was never committed.
      await rig.module.get(OrphanedFiles).sweep(new AbortController().signal);
      expect((await rig.sandbox.call('GET', '/v1/files')).json['data'], `statement ${statement}`).toEqual([]);
      expect(await rig.audit(id), `statement ${statement}`).toEqual([]);
      if (!struck) break;
      crashes += 1;
    }
    expect(crashes).toBeGreaterThan(20);
  },
  120_000,
);
