// What each statement of the service reads, as PostgreSQL itself counts it. While this watches, every statement is
// first explained with its own values on its own connection and undone, and then runs as it is.
import pg from 'pg';

/** Times that one text is explained; later ones only run. */
const SAMPLES = 6;
const READS = /^\s*(?:with|select|insert|update|delete)\b/i;

/**
 * What a call of each statement read, with its rows and index look-ups. It is the median of several calls, because the
 * first insert of a connection also looks for a page with room.
 */
export class Explained {
  #statements = new Map();
  #watching = true;

  static #current;

  /** Watches every connection of this process from now on. */
  static watch() {
    const explained = new Explained();
    if (Explained.#current === undefined) patch(() => Explained.#current);
    Explained.#current = explained;
    return explained;
  }

  stop() {
    this.#watching = false;
    const medians = [...this.#statements]
      .filter(([, { samples }]) => samples.length > 0)
      .map(([text, { samples }]) => {
        const sorted = samples.toSorted((a, b) => a.pages - b.pages);
        return [text, sorted[Math.floor((sorted.length - 1) / 2)]];
      });
    return new Map(medians);
  }

  wants(text) {
    if (!this.#watching || !READS.test(text) || /pg_advisory|^\s*explain/i.test(text)) return false;
    const seen = this.#statements.get(text) ?? { calls: 0, samples: [] };
    this.#statements.set(text, seen);
    return seen.calls++ < SAMPLES;
  }

  note(text, [{ Plan: plan }]) {
    let lookUps = 0;
    let written = 0;
    for (const node of nodesOf(plan)) {
      if (/Index/.test(node['Node Type'])) lookUps += node['Actual Loops'];
      if (node['Node Type'] === 'ModifyTable') written++;
    }
    const pages = plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
    this.#statements.get(text).samples.push({ pages, rows: rowsOf(plan), lookUps, written, plan });
  }
}

/** Rows that the statement answers with, or that it writes. */
function rowsOf(plan) {
  if (plan['Node Type'] !== 'ModifyTable') return plan['Actual Rows'];
  return plan.Plans.reduce((sum, child) => sum + child['Actual Rows'], 0);
}

function* nodesOf(plan) {
  yield plan;
  for (const child of plan.Plans ?? []) yield* nodesOf(child);
}

function patch(current) {
  // Statements shall wait in the connection's queue here.
  process.noDeprecation = true;
  const run = Reflect.get(pg.Client.prototype, 'query');
  const inTransaction = new WeakSet();
  pg.Client.prototype.query = function (config, values, ...rest) {
    const text = typeof config === 'string' ? config : config?.text;
    const explained = current();
    if (typeof text === 'string' && typeof config.submit !== 'function') {
      if (/^\s*begin/i.test(text)) inTransaction.add(this);
      if (/^\s*(?:commit|rollback)\s*$/i.test(text)) inTransaction.delete(this);
      if (explained.wants(text)) {
        const [open, undo] = inTransaction.has(this)
          ? ['savepoint explained', 'rollback to explained']
          : ['begin', 'rollback'];
        const parameters = Array.isArray(values) ? values : (config.values ?? []);
        // One after the other: a connection runs what it is given in order.
        const quiet = (promise) => promise.catch(() => undefined);
        void quiet(run.call(this, open));
        void quiet(
          run
            .call(this, { text: `explain (analyze, buffers, timing off, format json) ${text}`, values: parameters })
            .then(({ rows }) => explained.note(text, rows[0]['QUERY PLAN'])),
        );
        void quiet(run.call(this, undo));
      }
    }
    return run.call(this, config, values, ...rest);
  };
}
