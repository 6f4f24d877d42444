import { Injectable } from '@nestjs/common';
import { Database, type Sql, type Transaction } from '../database/database.service.js';
import { Values } from '../database/values.js';
import { CANCELLED_CODE } from './job-failures.js';
import { LOT_ENDED_SQL, LOT_SQL, TERMINAL_SQL, type JobStatus } from './states.js';

/** An ended job of whose lots some are tried once more. */
export interface RetrySource {
  readonly id: string;
  readonly status: JobStatus;
  /** The job for which a client sent the lots; the job itself, unless it is a retry. */
  readonly rootId: string;
}

/** Which of its lots are chosen; null: any. */
export interface RetryChoice {
  readonly codes: readonly string[] | null;
  readonly lotIds: readonly string[] | null;
}

/** The chosen lots of a job. */
export interface ChosenLots {
  /** Those that may be tried once more. */
  readonly lots: number;
  /** Of these lots, an address that a lot names twice counted once. */
  readonly images: number;
  readonly infoCharacters: number;
  /** The photos that were there when they were last checked, and what they take as input tokens. */
  readonly known: { readonly photos: number; readonly tokens: number };
  /** Whether one of them has a webhook of its own. */
  readonly webhooks: boolean;
  /** Those that another retry has in hand or has described. */
  readonly elsewhere: number;
  /** Some of those retries. */
  readonly retries: readonly string[];
}

/**
 * For the rest of a transaction: whole tables are not read, and two sets of rows are joined by hashing. A new job's rows are in no
 * statistics yet, so the planner takes them for one row and compares each of 50,000 with each: minutes.
 */
const JOIN_BY_HASH = `select set_config(setting, 'off', true) from unnest('{enable_seqscan,enable_nestloop}'::text[]) setting`;

/** SQL of the lots of a new job and where they come from, read before they are joined to lots that may lie on another server. */
const TAKEN = 'with taken as materialized (select position, source_position from lot_retries where job_id = $1)';

/** A refusal names this many retries. */
const MOST_NAMED = 20;

/** The SQL of retries: which lots of an ended job may be tried once more, and how they become the lots of a new job. */
@Injectable()
export class RetryStore {
  constructor(private readonly database: Database) {}

  /** The job for which a client sent the lots of this one. */
  async rootOf(jobId: string): Promise<string> {
    const [row] = await this.database.query<{ root_id: string }>(
      'select root_id from lot_retries where job_id = $1 limit 1',
      [jobId],
    );
    return row?.root_id ?? jobId;
  }

  /**
   * Waits for other retries of lots that were sent for the same job, and keeps further ones waiting until the transaction ends.
   * The statements after it see what those have committed. The root's row would not do: retention may have removed it.
   */
  async lockRoot(tx: Transaction, rootId: string): Promise<void> {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`retry ${rootId}`]);
  }

  /** What {@link take} would find now. */
  async find(source: RetrySource, choice: RetryChoice): Promise<ChosenLots> {
    return this.database.transaction(async (tx) => {
      const ended = await this.endedRetries(tx, source.rootId);
      await tx.query(JOIN_BY_HASH);
      const values = new Values();
      return found(tx, values, chosenSql(values, { source, choice, ended, inputs: true }));
    });
  }

  /**
   * Makes the chosen lots that are free the lots of a new job, in the order of their positions; {@link copy} writes them. The
   * caller holds {@link lockRoot}.
   */
  async take(tx: Transaction, source: RetrySource, choice: RetryChoice, jobId: string): Promise<ChosenLots> {
    const ended = await this.endedRetries(tx, source.rootId);
    await tx.query(JOIN_BY_HASH);
    // A statement of its own: within one, the index over current rows could see the new row before the old one is changed.
    const freed = new Values();
    const chosen = chosenSql(freed, { source, choice, ended, inputs: false });
    await tx.execute(
      `${chosen} update lot_retries r set current = false from seen
       where seen.free and seen.retry is not null and r.current
         and r.root_id = ${freed.add(source.rootId)} and r.root_position = seen.root_position`,
      freed.list,
    );
    const values = new Values();
    return found(
      tx,
      values,
      // A retry that has ended since the first statement still has its lots.
      `${chosenSql(values, { source, choice, ended: [], inputs: true })},
       taken as (
         insert into lot_retries (job_id, position, source_position, root_id, root_position)
         select ${values.add(jobId)}::uuid, row_number() over (order by position) - 1, position,
           ${values.add(source.rootId)}::uuid, root_position
         from seen where free)`,
    );
  }

  /** The ended jobs among the retries that have lots of a root now. */
  private async endedRetries(tx: Transaction, rootId: string): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `select id from batch_jobs where status in ${TERMINAL_SQL}
         and id = any(array(select distinct job_id from lot_retries where root_id = $1 and current))`,
      [rootId],
    );
    return rows.map(({ id }) => id);
  }

  /** Copies what was sent of the lots that {@link take} has taken in this transaction, within the database. */
  async copy(tx: Transaction, source: Pick<RetrySource, 'id'>, jobId: string): Promise<void> {
    await tx.execute(
      `${TAKEN} insert into batch_lots (job_id, position, lot_id)
       select $1::uuid, t.position, l.lot_id from taken t
       join batch_lots l on l.job_id = $2 and l.position = t.source_position`,
      [jobId, source.id],
    );
    await tx.execute(
      `${TAKEN} insert into batch_lot_inputs (job_id, position, additional_info, images, webhook)
       select $1::uuid, t.position, i.additional_info, i.images, i.webhook from taken t
       join batch_lot_inputs i on i.job_id = $2 and i.position = t.source_position`,
      [jobId, source.id],
    );
  }

  /** How many lots of a job have no result, by the code that would choose them; most lots first. */
  async codesOf(sql: Sql, { id, status }: RetrySource): Promise<Record<string, number>> {
    const rows = await sql.query<{ code: string; lots: number }>(
      `select case when status = ${LOT_SQL.failed} then error->>'code' else $2 end as code, count(*)::int as lots
       from batch_lots where job_id = $1 and (${unfinishedIn(status)}) group by 1 order by 2 desc, 1`,
      [id, CANCELLED_CODE],
    );
    return Object.fromEntries(rows.map(({ code, lots }) => [code, lots]));
  }
}

/** Lots that an ended job has no result of. */
function unfinishedIn(status: JobStatus): string {
  const failed = `status = ${LOT_SQL.failed}`;
  return status === 'cancelled' ? `${failed} or status not in ${LOT_ENDED_SQL}` : failed;
}

/** How the chosen lots are looked for. */
interface Choosing {
  readonly source: RetrySource;
  readonly choice: RetryChoice;
  /** Retries that have ended: lots that they did not describe are free again. */
  readonly ended: readonly string[];
  /** Whether what was sent of the lots is read too. */
  readonly inputs: boolean;
}

/**
 * SQL of the chosen lots as `seen`: the retry that has each of them, and whether it is free. Lots and what was sent of them are read
 * in parts of their own, each of the jobs that it names: they may lie on other servers than the rows that they are joined to.
 */
function chosenSql(values: Values, { source, choice, ended, inputs }: Choosing): string {
  const { codes, lotIds } = choice;
  const job = values.add(source.id);
  const conditions = [
    codes === null
      ? `l.status = ${LOT_SQL.failed}`
      : `l.status = ${LOT_SQL.failed} and l.error->>'code' = any(${values.add(codes)}::text[])`,
    ...(source.status === 'cancelled' && codes?.includes(CANCELLED_CODE) === true
      ? [`l.status not in ${LOT_ENDED_SQL}`]
      : []),
  ];
  const sent = inputs
    ? {
        columns: `, char_length(i.additional_info) as info, i.webhook is not null as webhook,
           (select count(distinct url) from json_array_elements_text(i.images) as each (url)) as photos`,
        join: 'join batch_lot_inputs i on i.job_id = l.job_id and i.position = l.position',
      }
    : { columns: '', join: '' };
  return `with asked as materialized (
       select l.position, l.processed_images, l.photo_tokens ${sent.columns}
       from batch_lots l ${sent.join}
       where l.job_id = ${job} and (${conditions.join(' or ')})
         ${lotIds === null ? '' : `and l.lot_id = any(${values.add(lotIds)}::text[])`}),
     vain as materialized (
       select l.job_id, l.position from batch_lots l
       where l.job_id = any(${values.add(ended)}::uuid[]) and l.status <> ${LOT_SQL.completed}),
     chosen as materialized (
       select a.*, coalesce(o.root_position, a.position) as root_position
       from asked a left join lot_retries o on o.job_id = ${job} and o.position = a.position),
     seen as materialized (
       select c.*, r.job_id as retry, r.job_id is null or v.job_id is not null as free
       from chosen c
       left join lot_retries r on r.root_id = ${values.add(source.rootId)} and r.root_position = c.root_position and r.current
       left join vain v on v.job_id = r.job_id and v.position = r.position)`;
}

/** Runs a statement that begins with {@link chosenSql}, with inputs. */
async function found(sql: Sql, values: Values, chosen: string): Promise<ChosenLots> {
  const [row] = await sql.query<FoundRow>(
    `${chosen}
     select count(*)::int as lots,
       coalesce(sum(photos), 0)::float8 as images,
       coalesce(sum(info), 0)::float8 as info,
       coalesce(sum(least(processed_images, photos)) filter (where photo_tokens is not null), 0)::float8 as photos,
       coalesce(sum(photo_tokens), 0)::float8 as tokens,
       coalesce(bool_or(webhook), false) as webhooks,
       (select count(*)::int from seen where not free) as elsewhere,
       array(select retry from seen where not free group by retry order by retry limit ${MOST_NAMED}) as retries
     from seen where free`,
    values.list,
  );
  const { lots, images, info, photos, tokens, webhooks, elsewhere, retries } = row as FoundRow;
  return { lots, images, infoCharacters: info, known: { photos, tokens }, webhooks, elsewhere, retries };
}

interface FoundRow {
  lots: number;
  images: number;
  info: number;
  photos: number;
  tokens: number;
  webhooks: boolean;
  elsewhere: number;
  retries: string[];
}
