// What reads cost a PostgreSQL server, and what the service says of them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const TICKS_A_SECOND = 100;

/** Processor seconds of a server's processes so far, of ended ones too (Linux). */
export async function serverSeconds(data) {
  const pid = Number.parseInt(await readFile(join(data, 'postmaster.pid'), 'utf8'), 10);
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(/\s+/).filter(Boolean);
  // The server's own, those of children that it has waited for, and those of living ones.
  const own = await ticks(pid, [11, 12, 13, 14]);
  const living = await Promise.all(children.map((child) => ticks(child, [11, 12]).catch(() => 0)));
  return living.reduce((sum, more) => sum + more, own) / TICKS_A_SECOND;
}

async function ticks(pid, fields) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const values = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.reduce((sum, field) => sum + Number(values[field]), 0);
}

/** Rows that a server's statements have read so far in this database. @param query - runs a statement there */
export async function rowsRead(query) {
  const [row] = await query(
    'select pg_stat_clear_snapshot(), (tup_returned + tup_fetched)::float8 as rows from pg_stat_database where datname = current_database()',
  );
  return row.rows;
}

/** Where a service has read so far: `{'results replica': 12, …}`. */
export async function outcomes(service) {
  const text = await (await fetch(`${service.origin}/metrics`)).text();
  const found = text.matchAll(/^database_replica_reads_total\{read="(\w+)",outcome="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...found].map(([, read, outcome, count]) => [`${read} ${outcome}`, Number(count)]));
}

/** What was added between two readings. */
export function added(before, after) {
  const more = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]);
  return Object.fromEntries(more.filter(([, count]) => count > 0));
}

export function inWords(counts) {
  const parts = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

export async function isUp(service) {
  return (await (await fetch(`${service.origin}/metrics`)).text()).includes('\ndatabase_replica_up 1\n');
}

export function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
