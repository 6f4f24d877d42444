import type { Statement } from '../text/statement.js';

/** Which statements a text lacks, and which it has too many; the order among statements does not count. */
export function differenceOf(
  wanted: readonly Statement[],
  found: readonly Statement[],
): { readonly missing: readonly Statement[]; readonly added: readonly Statement[] } {
  const open = new Map<string, Statement[]>();
  for (const statement of wanted) {
    const key = keyOf(statement);
    const twins = open.get(key);
    if (twins === undefined) open.set(key, [statement]);
    else twins.push(statement);
  }
  const added = found.filter((statement) => open.get(keyOf(statement))?.pop() === undefined);
  return { missing: [...open.values()].flat(), added };
}

/** Equal for equal statements, whatever the order of their members. */
function keyOf(statement: Statement): string {
  switch (statement.kind) {
    case 'damage': {
      const { part, side, end, type, severity, zone, extent, count, through, possible, photos } = statement;
      const details = `${String(zone)}|${String(extent)}|${String(through)}|${String(possible)}`;
      return `damage|${part}|${side}|${end}|${type}|${severity}|${details}|${count}|${photos.join()}`;
    }
    case 'vehicle': {
      const { vehicle, body, colour, doors } = statement;
      return `vehicle|${String(vehicle)}|${String(body)}|${String(colour)}|${String(doors)}`;
    }
    case 'odometer':
      return `odometer|${statement.value}|${String(statement.unit)}`;
    case 'interior':
    case 'tyres':
      return `${statement.kind}|${statement.state}|${statement.photos.join()}`;
    case 'flag':
      return `flag|${statement.flag}|${statement.photos.join()}`;
    case 'nothing_visible':
    case 'partly_visible':
    case 'not_visible':
      return `${statement.kind}|${statement.areas.join()}`;
    case 'not_assessable':
      return `not_assessable|${statement.reasons.join()}`;
    case 'unconfirmed':
    case 'limits':
    case 'simulated':
      return statement.kind;
  }
}
