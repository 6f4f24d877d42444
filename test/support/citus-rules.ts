import { parse } from 'libpg-query';

/**
 * Which statements a Citus would refuse, by their shape: batch_lots, batch_lot_inputs and batch_results lie on data nodes by their job,
 * all other tables on the coordinator. The statement is read by PostgreSQL's own parser; the rules are those of
 * https://docs.citusdata.com/en/stable/develop/reference_workarounds.html and of what a Citus 13.2 answered.
 */
const DISTRIBUTED: ReadonlySet<string> = new Set(['batch_lots', 'batch_lot_inputs', 'batch_results']);
const KEY = 'job_id';

/** How changeable a function's value is, as pg_proc has it, by its name: 0 immutable, 1 stable, 2 volatile. */
export type Volatilities = ReadonlyMap<string, number>;

type Tree = Readonly<Record<string, unknown>>;
type Nesting = 'top' | 'cte' | 'from' | 'lateral' | 'expression' | 'insert';

interface Relation {
  readonly table: string;
  readonly alias: string;
}

interface Call {
  readonly name: string;
  /** Inside a CASE or a COALESCE. */
  readonly conditional: boolean;
  readonly hasColumns: boolean;
}

/** One SELECT, INSERT, UPDATE or DELETE of a statement, without those in it. */
interface Level {
  readonly kind: string;
  readonly nesting: Nesting;
  readonly parent: Level | null;
  readonly ctes: Set<string>;
  readonly relations: Relation[];
  readonly conditions: unknown[];
  readonly columns: string[][];
  readonly calls: Call[];
  readonly locks: boolean;
  readonly recursive: boolean;
}

const STATEMENTS = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt']);

/** The rules that a statement breaks; empty when Citus plans it. */
export async function brokenRules(statement: string, volatilities: Volatilities): Promise<string[]> {
  const { stmts = [] } = (await parse(statement)) as { stmts?: { stmt?: Tree }[] };
  const levels: Level[] = [];
  for (const { stmt } of stmts) {
    const kind = Object.keys(stmt ?? {})[0] ?? '';
    if (STATEMENTS.has(kind)) readLevel(kind, (stmt as Record<string, Tree>)[kind] as Tree, null, 'top', levels);
  }
  if (!levels.some((level) => distributedOf(level).length > 0)) return [];
  return [...new Set(levels.flatMap((level) => rulesBrokenBy(level, levels, volatilities)))];
}

function rulesBrokenBy(level: Level, levels: readonly Level[], volatilities: Volatilities): string[] {
  const broken: string[] = [];
  const distributed = distributedOf(level);
  const changes = level.kind === 'UpdateStmt' || level.kind === 'DeleteStmt';
  const volatility = (call: Call) => volatilities.get(call.name) ?? 0;
  if (level.columns.some((column) => column.at(-1) === 'ctid')) {
    broken.push('names a ctid, which each shard has of its own');
  }
  if (changes && level.calls.some((call) => volatility(call) === 2)) {
    broken.push('calls a volatile function in an UPDATE or DELETE of a statement over data nodes');
  }
  if (changes && level.calls.some((call) => call.conditional && volatility(call) > 0)) {
    broken.push('calls a function that is not immutable in a CASE or COALESCE of an UPDATE or DELETE');
  }
  if (changes && isDistributed(level.relations[0], level)) {
    if (level.calls.some((call) => call.hasColumns && volatility(call) === 1))
      broken.push('calls a stable function of columns in an UPDATE or DELETE of lots');
  }
  if (level.nesting === 'lateral' && levels.some((each) => isWithin(each, level) && distributedOf(each).length > 0)) {
    broken.push('reads lots in a LATERAL subquery');
  }
  if (distributed.length > 0) {
    if (level.relations.some((relation) => !isDistributed(relation, level) && !isCte(relation.table, level)))
      broken.push('joins lots with a table of the coordinator');
    if (
      level.nesting === 'expression' &&
      level.parent !== null &&
      isCorrelated(level) &&
      distributedOf(level.parent).length === 0
    )
      broken.push('asks for the lots of each row of a table of the coordinator');
    if (level.recursive || isUnderRecursion(level)) broken.push('reads lots in a recursive query');
    const named = namesJobs(level, distributed);
    if (named === 'none') broken.push('does not name the jobs whose lots it wants by a value');
    if (level.locks && named !== 'one') broken.push('locks lots of more than one job');
  }
  return broken;
}

function readLevel(kind: string, body: Tree, parent: Level | null, nesting: Nesting, into: Level[]): void {
  const withClause = body['withClause'] as Tree | undefined;
  const level: Level = {
    kind,
    nesting,
    parent,
    ctes: new Set(),
    relations: [],
    conditions: [],
    columns: [],
    calls: [],
    locks: body['lockingClause'] !== undefined,
    recursive: false,
  };
  into.push(level);
  const below = (node: unknown, how: Nesting) => {
    const [name, inner] = Object.entries((node ?? {}) as Tree)[0] ?? [];
    if (name !== undefined && STATEMENTS.has(name)) readLevel(name, inner as Tree, level, how, into);
  };
  for (const { CommonTableExpr: cte } of (withClause?.['ctes'] ?? []) as { CommonTableExpr: Tree }[]) {
    level.ctes.add(String(cte['ctename']));
    const first = into.length;
    below(cte['ctequery'], 'cte');
    // A query that goes on from its own rows.
    if (withClause?.['recursive'] === true)
      for (const each of into.slice(first)) Object.assign(each, { recursive: true });
  }
  for (const side of ['larg', 'rarg']) {
    if (body[side] !== undefined) readLevel('SelectStmt', body[side] as Tree, level, 'from', into);
  }
  if (body['relation'] !== undefined) level.relations.push(relationOf(body['relation'] as Tree));
  const fromItem = (item: Tree): void => {
    const range = item['RangeVar'] as Tree | undefined;
    if (range !== undefined) level.relations.push(relationOf(range));
    const join = item['JoinExpr'] as Tree | undefined;
    if (join !== undefined) {
      fromItem(join['larg'] as Tree);
      fromItem(join['rarg'] as Tree);
      if (join['quals'] !== undefined) level.conditions.push(join['quals']);
      if (join['usingClause'] !== undefined) level.conditions.push({ using: join['usingClause'] });
      expression(join['quals'], false);
    }
    const subselect = item['RangeSubselect'] as Tree | undefined;
    if (subselect !== undefined) below(subselect['subquery'], subselect['lateral'] === true ? 'lateral' : 'from');
    if (item['RangeFunction'] !== undefined) expression(item['RangeFunction'], false);
  };
  const expression = (node: unknown, conditional: boolean): void => {
    if (Array.isArray(node)) return node.forEach((each) => expression(each, conditional));
    if (typeof node !== 'object' || node === null) return;
    for (const [name, inner] of Object.entries(node as Tree)) {
      if (name === 'SubLink') {
        below((inner as Tree)['subselect'], 'expression');
        expression((inner as Tree)['testexpr'], conditional);
      } else if (name === 'ColumnRef') level.columns.push(namesOf((inner as Tree)['fields']));
      else {
        if (name === 'FuncCall') {
          const call = namesOf((inner as Tree)['funcname']).at(-1) ?? '';
          const hasColumns = JSON.stringify((inner as Tree)['args'] ?? []).includes('"ColumnRef"');
          level.calls.push({ name: call, conditional, hasColumns });
        }
        expression(inner, conditional || name === 'CaseExpr' || name === 'CoalesceExpr');
      }
    }
  };
  for (const item of [...((body['fromClause'] ?? []) as Tree[]), ...((body['usingClause'] ?? []) as Tree[])])
    fromItem(item);
  if (body['whereClause'] !== undefined) level.conditions.push(body['whereClause']);
  below(body['selectStmt'], 'insert');
  for (const [name, value] of Object.entries(body)) {
    const read = ['withClause', 'larg', 'rarg', 'relation', 'fromClause', 'usingClause', 'selectStmt', 'lockingClause'];
    if (!read.includes(name)) expression(value, false);
  }
}

function relationOf(range: Tree): Relation {
  const table = String(range['relname']);
  const alias = (range['alias'] as Tree | undefined)?.['aliasname'];
  return { table, alias: typeof alias === 'string' ? alias : table };
}

function namesOf(fields: unknown): string[] {
  return ((fields ?? []) as Tree[]).map((field) => (field as { String?: { sval: string } }).String?.sval ?? '*');
}

function isCte(table: string, level: Level | null): boolean {
  return level !== null && (level.ctes.has(table) || isCte(table, level.parent));
}

function isDistributed(relation: Relation | undefined, level: Level): boolean {
  return relation !== undefined && DISTRIBUTED.has(relation.table) && !isCte(relation.table, level);
}

/** The tables on data nodes that a level reads or changes; what an INSERT adds is sent to its node row by row. */
function distributedOf(level: Level): Relation[] {
  if (level.kind === 'InsertStmt') return [];
  return level.relations.filter((relation) => isDistributed(relation, level));
}

function isWithin(level: Level | null, outer: Level): boolean {
  return level !== null && (level === outer || isWithin(level.parent, outer));
}

function isUnderRecursion(level: Level): boolean {
  return level.parent !== null && (level.parent.recursive || isUnderRecursion(level.parent));
}

/** Whether a subquery names a column of the query around it. */
function isCorrelated(level: Level): boolean {
  const own = new Set(level.relations.map(({ alias }) => alias));
  return level.columns.some((column) => column.length > 1 && !own.has(column[0] as string));
}

/** Whether each table on data nodes is asked for one job, or for some, that are given by a value. */
function namesJobs(level: Level, distributed: readonly Relation[]): 'one' | 'some' | 'none' {
  const groups = new Map(distributed.map(({ alias }) => [alias, alias]));
  const named = new Map<string, 'one' | 'some'>();
  const rootOf = (alias: string): string => {
    const next = groups.get(alias) as string;
    return next === alias ? alias : rootOf(next);
  };
  const keyOf = (node: unknown): string | undefined => {
    const names = namesOf(((node as Tree)['ColumnRef'] as Tree | undefined)?.['fields']);
    if (names.at(-1) !== KEY) return undefined;
    const alias = names.length > 1 ? names[0] : distributed.length === 1 ? distributed[0]?.alias : undefined;
    return alias !== undefined && groups.has(alias) ? alias : undefined;
  };
  const compare = (comparison: Tree) => {
    const { kind, lexpr, rexpr } = comparison as { kind: string; lexpr: unknown; rexpr: unknown };
    if (lexpr === undefined || rexpr === undefined || Array.isArray(lexpr) || Array.isArray(rexpr)) return;
    const operator = namesOf(comparison['name'])[0];
    const [left, right] = [keyOf(lexpr), keyOf(rexpr)];
    if (operator === '=' && left !== undefined && right !== undefined) groups.set(rootOf(left), rootOf(right));
    else if (left !== undefined && isValue(rexpr)) {
      if (operator === '=' && kind === 'AEXPR_OP') named.set(left, 'one');
      // Also from one id to another: a window of time.
      else if (!named.has(left)) named.set(left, 'some');
    }
  };
  const read = (condition: unknown): void => {
    const bool = (condition as Tree)['BoolExpr'] as { boolop: string; args: unknown[] } | undefined;
    if (bool?.boolop === 'AND_EXPR') bool.args.forEach(read);
    const comparison = (condition as Tree)['A_Expr'] as Tree | undefined;
    if (comparison !== undefined) compare(comparison);
    // Rows that a subquery has found, which must name its jobs itself.
    const found = (condition as Tree)['SubLink'] as Tree | undefined;
    const row = (found?.['testexpr'] as Tree | undefined)?.['RowExpr'] as { args: unknown[] } | undefined;
    for (const key of row?.args.map(keyOf) ?? []) if (key !== undefined) named.set(key, 'some');
    if (namesOf((condition as Tree)['using']).includes(KEY))
      for (const { alias } of distributed) groups.set(rootOf(alias), rootOf(distributed[0]?.alias as string));
  };
  level.conditions.forEach(read);
  const kinds = distributed.map(({ alias }) => {
    const values = [...named].filter(([each]) => rootOf(each) === rootOf(alias)).map(([, kind]) => kind);
    return values.includes('one') ? 'one' : (values[0] ?? 'none');
  });
  if (kinds.includes('none')) return 'none';
  return kinds.includes('some') ? 'some' : 'one';
}

/** A parameter or a constant, perhaps cast. */
function isValue(node: unknown): boolean {
  const tree = node as Tree;
  if ('ParamRef' in tree || 'A_Const' in tree) return true;
  return 'TypeCast' in tree && isValue((tree['TypeCast'] as Tree)['arg']);
}
