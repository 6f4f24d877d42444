// The one place that writes a row of batch_jobs by hand, for tests, benchmarks and proofs alike.
import { v7 } from 'uuid';

/** The values that every row needs. All other columns may be null or have a default. */
const REQUIRED = {
  keyId: "'acme'",
  secretFingerprint: "'f'",
  mode: "'batch'",
  languages: "'{en}'",
  totalLots: '1',
  createdAt: 'now()',
  updatedAt: 'now()',
};

/**
 * Inserts one job: a batch of one lot in English, unless `columns` says otherwise.
 * @returns its id
 */
export async function aJob(db, columns = {}) {
  const row = { id: v7(), ...columns };
  const places = Object.fromEntries(Object.keys(row).map((column, index) => [column, `$${index + 1}`]));
  const { names, expressions } = statementParts(places);
  await db.query(`insert into batch_jobs (${names}) values (${expressions})`, Object.values(row));
  return row.id;
}

/** The statement that inserts a job for each row of `source`; each column is given as SQL over that row. */
export function jobsFrom(source, columns) {
  const { names, expressions } = statementParts(columns);
  return `insert into batch_jobs (${names}) select ${expressions} from ${source}`;
}

function statementParts(columns) {
  const all = { ...REQUIRED, ...columns };
  const names = Object.keys(all).map((column) => column.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
  return { names: names.join(', '), expressions: Object.values(all).join(', ') };
}
