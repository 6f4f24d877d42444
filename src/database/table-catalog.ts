import { escapeIdentifier } from 'pg';
import type { Sql } from './database.service.js';

// What is known of a table, and statements that follow from it.

/** PostgreSQL cuts longer names. */
const NAME_CHARACTERS = 63;

export interface TableIndex {
  readonly name: string;
  /** The whole statement that would make it. */
  readonly definition: string;
  /** Of the constraint that it belongs to (`PRIMARY KEY (…)`); null when it belongs to none. */
  readonly constraint: string | null;
  /** The index of the partitioned table that it is a part of. */
  readonly parent: string | null;
}

/** A name as it stands in SQL. */
export const quoted = escapeIdentifier;

export async function indexesOf(sql: Sql, relation: string): Promise<TableIndex[]> {
  return sql.query<TableIndex & { [column: string]: unknown }>(
    `select c.relname as name, pg_get_indexdef(c.oid) as definition, pg_get_constraintdef(k.oid) as constraint,
       p.relname as parent
     from pg_index i join pg_class c on c.oid = i.indexrelid
     left join pg_constraint k on k.conindid = c.oid and k.contype in ('p', 'u', 'x') and k.conrelid = i.indrelid
     left join pg_inherits h on h.inhrelid = c.oid left join pg_class p on p.oid = h.inhparent
     where i.indrelid = to_regclass(quote_ident($1)) order by c.relname`,
    [relation],
  );
}

/** Statements that give indexes names that begin with another name of their table. Constraints go with their indexes. */
export function renamedIndexes(indexes: readonly TableIndex[], from: string, to: string): string[] {
  return indexes.map(({ name }) => {
    const renamed = name.startsWith(from) ? to + name.slice(from.length) : `${to}_${name}`;
    return `alter index ${quoted(name)} rename to ${quoted(renamed.slice(0, NAME_CHARACTERS))}`;
  });
}

/** The storage settings of a table, as they stand in SQL; partitions do not take over those of others. */
export async function optionsOf(sql: Sql, relation: string): Promise<string> {
  const [row] = await sql.query<{ options: string[] | null }>(
    'select reloptions as options from pg_class where oid = to_regclass(quote_ident($1))',
    [relation],
  );
  return row?.options == null ? '' : `with (${row.options.join(', ')})`;
}

/** Statements that give those who may use a table the same rights to another one. */
export async function grantsOf(sql: Sql, from: string, to: string): Promise<string[]> {
  const grants = await sql.query<{ grantee: string; privilege: string; grantable: boolean }>(
    `select coalesce(quote_ident(r.rolname), 'public') as grantee, a.privilege_type as privilege, a.is_grantable as grantable
     from pg_class c cross join lateral aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee
     where c.oid = to_regclass(quote_ident($1)) and a.grantee <> c.relowner`,
    [from],
  );
  return grants.map(
    ({ grantee, privilege, grantable }) =>
      `grant ${privilege} on ${quoted(to)} to ${grantee}${grantable ? ' with grant option' : ''}`,
  );
}

export async function columnsOf(sql: Sql, relation: string): Promise<string[]> {
  const rows = await sql.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = to_regclass(quote_ident($1)) and attnum > 0 and not attisdropped order by attnum`,
    [relation],
  );
  return rows.map(({ name }) => name);
}
