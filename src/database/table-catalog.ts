import { escapeIdentifier } from 'pg';
import type { Sql } from './database.service.js';

/** PostgreSQL cuts longer names. */
const NAME_CHARACTERS = 63;

export interface TableIndex {
  readonly name: string;
  /** The whole statement that would make it. */
  readonly definition: string;
  /** Of the constraint that it belongs to (`PRIMARY KEY (…)`); null when it belongs to none. */
  readonly constraint: string | null;
}

/** A name as it stands in SQL. */
export const quoted = escapeIdentifier;

export async function indexesOf(sql: Sql, relation: string): Promise<TableIndex[]> {
  return sql.query<TableIndex & { [column: string]: unknown }>(
    `select c.relname as name, pg_get_indexdef(c.oid) as definition, pg_get_constraintdef(k.oid) as constraint
     from pg_index i join pg_class c on c.oid = i.indexrelid
     left join pg_constraint k on k.conindid = c.oid and k.contype in ('p', 'u', 'x') and k.conrelid = i.indrelid
     where i.indrelid = to_regclass(quote_ident($1)) order by c.relname`,
    [relation],
  );
}

/**
 * Gives the indexes of a table that was renamed names that begin with its new name. Constraints go with their indexes.
 * @param from - the former name of the table
 */
export async function renameIndexes(sql: Sql, relation: string, from: string, to: string): Promise<void> {
  for (const { name } of await indexesOf(sql, relation)) {
    const renamed = name.startsWith(from) ? to + name.slice(from.length) : `${to}_${name}`;
    await sql.execute(`alter index ${quoted(name)} rename to ${quoted(renamed.slice(0, NAME_CHARACTERS))}`);
  }
}

/** The storage settings of a table, as they stand in SQL; partitions do not take over those of others. */
export async function optionsOf(sql: Sql, relation: string): Promise<string> {
  const [row] = await sql.query<{ options: string[] | null }>(
    'select reloptions as options from pg_class where oid = to_regclass(quote_ident($1))',
    [relation],
  );
  return row?.options == null ? '' : `with (${row.options.join(', ')})`;
}

/** Gives those who may use a table the same rights to another one. */
export async function copyGrants(sql: Sql, from: string, to: string): Promise<void> {
  const grants = await sql.query<{ grantee: string; privilege: string; grantable: boolean }>(
    `select coalesce(quote_ident(r.rolname), 'public') as grantee, a.privilege_type as privilege, a.is_grantable as grantable
     from pg_class c cross join lateral aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee
     where c.oid = to_regclass(quote_ident($1)) and a.grantee <> c.relowner`,
    [from],
  );
  for (const { grantee, privilege, grantable } of grants) {
    await sql.execute(`grant ${privilege} on ${quoted(to)} to ${grantee}${grantable ? ' with grant option' : ''}`);
  }
}
