import { Injectable } from '@nestjs/common';
import type { QueryResultRow } from 'pg';
import { Clock } from '../common/clock.js';
import { newId } from '../common/ids.js';
import { Database } from '../database/database.service.js';

export interface NewAct {
  readonly operator: string;
  readonly act: string;
  /** Null: on no job. */
  readonly jobId: string | null;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly reason: string;
}

export interface RecordedAct extends NewAct {
  readonly id: string;
  readonly begunAt: Date;
  readonly endedAt: Date | null;
  readonly result: Readonly<Record<string, unknown>> | null;
}

/** The record of what operators did. */
@Injectable()
export class OperatorActStore {
  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
  ) {}

  /** Writes that an act begins. @returns the id of its row */
  async begin({ operator, act, jobId, arguments: options, reason }: NewAct): Promise<string> {
    const id = newId();
    await this.database.execute(
      `insert into operator_acts (id, begun_at, operator, act, job_id, arguments, reason) values ($1, $2, $3, $4, $5, $6, $7)`,
      [id, this.clock.date(), operator, act, jobId, JSON.stringify(options), reason],
    );
    return id;
  }

  async end(id: string, result: object): Promise<void> {
    await this.database.execute('update operator_acts set ended_at = $2, result = $3 where id = $1', [
      id,
      this.clock.date(),
      JSON.stringify(result),
    ]);
  }

  /** The latest acts, the last one first. @param jobId - null: on any job */
  async latest(jobId: string | null, limit: number): Promise<RecordedAct[]> {
    return this.database.query<RecordedAct & QueryResultRow>(
      `select id, begun_at as "begunAt", operator, act, job_id as "jobId", arguments, reason, ended_at as "endedAt", result
       from operator_acts ${jobId === null ? '' : 'where job_id = $2'} order by id desc limit $1`,
      jobId === null ? [limit] : [limit, jobId],
    );
  }
}
