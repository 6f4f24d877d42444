import type { Sql } from './database.service.js';

interface TableRow {
  oid: string;
  name: string;
  options: string[] | null;
  unlogged: boolean;
}

interface ColumnRow {
  name: string;
  type: string;
  not_null: boolean;
  default_text: string | null;
  identity: string;
}

/** TypeORM's own table of migrations, which is not part of our schema. */
const MIGRATIONS_TABLE = 'migrations';

/**
 * Describes the tables of the schema `public` as SQL, made from PostgreSQL's catalogue. The embedded server's package
 * has no pg_dump, and this text is the same for every version of PostgreSQL. All is sorted by name; only columns keep
 * their order.
 */
export async function describeSchema(sql: Sql): Promise<string> {
  const tables = await sql.query<TableRow>(
    `select c.oid::text, c.relname as name, c.reloptions as options, c.relpersistence = 'u' as unlogged
       from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> $1
      order by c.relname collate "C"`,
    [MIGRATIONS_TABLE],
  );
  const parts: string[] = [];
  for (const table of tables) parts.push(await describeTable(sql, table));
  parts.push(...(await describeStrangers(sql)));
  return parts.join('\n');
}

async function describeTable(sql: Sql, { oid, name, options, unlogged }: TableRow): Promise<string> {
  const columns = await sql.query<ColumnRow>(
    `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as not_null,
            a.attidentity as identity, pg_get_expr(d.adbin, d.adrelid) as default_text
       from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = $1::oid and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    [oid],
  );
  // PostgreSQL 18 stores NOT NULL as constraints too (contype n), but the columns say it already.
  const constraints = await sql.query<{ name: string; definition: string }>(
    `select conname as name, pg_get_constraintdef(oid) as definition
       from pg_constraint where conrelid = $1::oid and contype <> 'n'
      order by contype = 'p' desc, conname collate "C"`,
    [oid],
  );
  const indexes = await sql.query<{ definition: string }>(
    `select pg_get_indexdef(i.indexrelid) as definition
       from pg_index i join pg_class c on c.oid = i.indexrelid
      where i.indrelid = $1::oid
        and not exists (select 1 from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
      order by c.relname collate "C"`,
    [oid],
  );
  const lines = [
    ...columns.map(columnLine),
    ...constraints.map((constraint) => `constraint ${constraint.name} ${constraint.definition}`),
  ];
  const storage = options === null ? '' : ` with (${[...options].sort().join(', ')})`;
  return [
    `create ${unlogged ? 'unlogged ' : ''}table ${name} (`,
    lines.map((line) => `  ${line}`).join(',\n'),
    `)${storage};`,
    ...indexes.map((index) => `${index.definition};`),
    '',
  ].join('\n');
}

function columnLine(column: ColumnRow): string {
  return [
    column.name,
    column.type,
    ...(column.not_null ? ['not null'] : []),
    ...(column.identity === '' ? [] : ['generated as identity']),
    ...(column.default_text === null ? [] : [`default ${column.default_text}`]),
  ].join(' ');
}

/** Lists triggers, functions, views and sequences, which this schema must not have, so that they are seen in review. */
async function describeStrangers(sql: Sql): Promise<string[]> {
  const rows = await sql.query<{ line: string }>(
    `select 'trigger ' || tgname || ' on ' || tgrelid::regclass as line from pg_trigger where not tgisinternal
     union all
     select 'function ' || p.oid::regprocedure from pg_proc p where p.pronamespace = 'public'::regnamespace
     union all
     select 'view ' || c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm')
     union all
     select 'sequence ' || c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'S'
        and c.relname <> $1
     order by 1`,
    [`${MIGRATIONS_TABLE}_id_seq`],
  );
  return rows.map((row) => `-- ${row.line}\n`);
}
