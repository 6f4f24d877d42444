import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';

/** The processes that do background work, by PostgreSQL's clock. */
@Injectable()
export class WorkerStore {
  constructor(private readonly database: Database) {}

  /** Says that this process lives, and forgets those that have been dead for a day. */
  async beat(id: string, role: string): Promise<void> {
    await this.database.execute(
      `insert into workers (id, role, started_at, beat_at) values ($1, $2, now(), now())
       on conflict (id) do update set beat_at = now()`,
      [id, role],
    );
    await this.database.execute(`delete from workers where beat_at < now() - interval '1 day'`);
  }

  async remove(id: string): Promise<void> {
    await this.database.execute('delete from workers where id = $1', [id]);
  }

  /** Whether some worker has beaten within so many seconds. */
  async isAnyAlive(seconds: number): Promise<boolean> {
    const [row] = await this.database.query<{ alive: boolean }>(
      `select exists (select 1 from workers where beat_at > now() - $1 * interval '1 second') as alive`,
      [seconds],
    );
    return row?.alive === true;
  }
}
