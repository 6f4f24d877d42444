import { Injectable } from '@nestjs/common';
import type { QueryResultRow } from 'pg';
import type { Claim } from '../database/claim.js';
import { Database, type Sql } from '../database/database.service.js';
import { LeaseLostError } from '../database/lease.js';
import { dueTable, keyIs } from '../database/lease-table.js';
import { Leases } from '../database/leases.service.js';
import type { MakingStatus } from './glossary.entities.js';
import { restSeconds, TRIES_A_DAY, type GlossaryProgress } from './making-rules.js';

/** What a glossary is made from and by. Another of these is another glossary. */
export interface Recipe {
  readonly taxonomy: string;
  readonly prompt: string;
  readonly model: string;
}

interface MakingRow extends QueryResultRow, Recipe {
  readonly tag: string;
  readonly failures: number;
}

export type MakingClaim = Claim<MakingRow>;

const MAKINGS = dueTable('glossary_makings', ['tag', 'taxonomy', 'prompt', 'model'], 'due_at');
const DAY = "interval '1 day'";
const NEW_DAY = `(tries_since is null or tries_since <= clock_timestamp() - ${DAY})`;

/** The rows of makings. Whoever works on one holds its lease; every write names the token. */
@Injectable()
export class GlossaryMakingStore {
  constructor(
    private readonly database: Database,
    private readonly leases: Leases,
  ) {}

  /** Asks that these be made: those that nobody asked for, and those whose rest after a failed try is over. */
  async want(tags: readonly string[], { taxonomy, prompt, model }: Recipe): Promise<void> {
    await this.database.execute(
      `insert into glossary_makings as m (tag, taxonomy, prompt, model, status, due_at, created_at, updated_at)
       select tag, $2, $3, $4, 'wanted', clock_timestamp(), now(), now() from unnest($1::text[]) as tag order by tag
       on conflict (tag, taxonomy, prompt, model) do update
         set status = 'wanted', due_at = clock_timestamp(), updated_at = now()
         where m.status = 'resting' and m.due_at <= clock_timestamp()`,
      [[...tags], taxonomy, prompt, model],
    );
  }

  /** How far each language is; one without a row is left out. */
  async progress({ taxonomy, prompt, model }: Recipe): Promise<ReadonlyMap<string, GlossaryProgress>> {
    const rows = await this.database.query<{ tag: string; status: MakingStatus; version: string | null }>(
      'select tag, status, version from glossary_makings where taxonomy = $1 and prompt = $2 and model = $3',
      [taxonomy, prompt, model],
    );
    return new Map(rows.map(({ tag, status, version }) => [tag, progressOf(status, version)]));
  }

  /** Claims what is wanted under this recipe and that no process holds. */
  claim({ taxonomy, prompt, model }: Recipe, limit: number): Promise<MakingClaim[]> {
    return this.leases.claimMany<MakingRow>({
      table: MAKINGS,
      where: `status = 'wanted' and taxonomy = $1 and prompt = $2 and model = $3`,
      values: [taxonomy, prompt, model],
      orderBy: 'due_at, tag',
      limit,
    });
  }

  /**
   * Counts a try, before the model is asked: one that ends the process must not be made again for ever.
   * @returns false when the day's tries are used up, or another process holds the row
   */
  async begin(claim: MakingClaim): Promise<boolean> {
    const touched = await this.database.execute(
      `update glossary_makings set
         tries = case when ${NEW_DAY} then 1 else tries + 1 end,
         tries_since = case when ${NEW_DAY} then clock_timestamp() else tries_since end, updated_at = now()
       where lock_token = $1 and ${keyIs(MAKINGS, 2)} and (${NEW_DAY} or tries < $6)`,
      [claim.token, ...claim.key, TRIES_A_DAY],
    );
    return touched === 1;
  }

  /** @throws LeaseLostError */
  async made(sql: Sql, claim: MakingClaim, version: string): Promise<void> {
    await this.write(sql, claim, `status = 'made', version = $6, failures = 0, reason = null`, [version]);
  }

  /** Ends a try that failed: the language rests. @throws LeaseLostError */
  async rest(claim: MakingClaim, reason: string): Promise<void> {
    // No day has a fourth try: after the third, the rest lasts until the day is over at least.
    await this.write(
      this.database,
      claim,
      `status = 'resting', failures = failures + 1, reason = $6,
       due_at = greatest(clock_timestamp() + make_interval(secs => $7), case when tries >= $8 then tries_since + ${DAY} end)`,
      [reason, restSeconds(claim.row.failures + 1), TRIES_A_DAY],
    );
  }

  /** Gives a try back that was not made to its end: it counts as none, and whoever is free makes it. @throws LeaseLostError */
  async giveBack(claim: MakingClaim, reason: string, afterSeconds: number): Promise<void> {
    await this.write(
      this.database,
      claim,
      `tries = greatest(0, tries - 1), reason = $6, due_at = clock_timestamp() + make_interval(secs => $7)`,
      [reason, afterSeconds],
    );
  }

  /** Leaves the row as wanted for later; the try stays counted. @throws LeaseLostError */
  async postpone(claim: MakingClaim, afterSeconds: number): Promise<void> {
    await this.write(this.database, claim, `due_at = clock_timestamp() + make_interval(secs => $6)`, [afterSeconds]);
  }

  /** The newest version that was made for a language by this prompt and model for other closed lists. */
  async olderVersion(tag: string, { taxonomy, prompt, model }: Recipe): Promise<string | null> {
    const [row] = await this.database.query<{ version: string }>(
      `select version from glossary_makings where tag = $1 and taxonomy <> $2 and prompt = $3 and model = $4
         and status = 'made' order by updated_at desc limit 1`,
      [tag, taxonomy, prompt, model],
    );
    return row?.version ?? null;
  }

  private async write(sql: Sql, claim: MakingClaim, set: string, values: readonly unknown[]): Promise<void> {
    const touched = await sql.execute(
      `update glossary_makings set ${set}, lock_token = null, updated_at = now()
       where lock_token = $1 and ${keyIs(MAKINGS, 2)}`,
      [claim.token, ...claim.key, ...values],
    );
    if (touched === 0) throw new LeaseLostError(MAKINGS.name, 'another holder has it');
  }
}

function progressOf(status: MakingStatus, version: string | null): GlossaryProgress {
  if (status === 'made' && version !== null) return { state: 'made', version };
  return { state: status === 'resting' ? 'failed' : 'awaited' };
}
