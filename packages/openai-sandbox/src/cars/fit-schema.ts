import { isObject, type JsonObject } from '../json.js';
import { resolveRef } from '../responses/validate-schema.js';

/** Answers that claim nothing, tried first where a closed list is asked for and nothing is known. */
const NEUTRAL = ['unknown', 'n/a', 'none', 'no', 'not_visible', 'uncertain', 'low', 'other'];
/** The text for members for which the simulation has no words. */
const SIMULATED_TEXT = 'Simulated: no text for this member.';

/**
 * Makes a value that satisfies `schema`, taking what fits from `facts` by member name and leaving the rest neutral:
 * empty lists, zero, false, the least claiming value of a closed list.
 * @param facts - what the simulation would say, a tree of objects and lists with the members' usual names
 */
export function fitSchema(schema: JsonObject, facts: unknown): unknown {
  return fit(schema, facts, schema, 0);
}

function fit(node: unknown, facts: unknown, root: JsonObject, depth: number): unknown {
  if (!isObject(node) || depth > 40) return null;
  const ref = node['$ref'];
  if (typeof ref === 'string') return fit(resolveRef(root, ref), facts, root, depth + 1);
  if (node['const'] !== undefined) return node['const'];
  if (Array.isArray(node['enum'])) return fitEnum(node['enum'], facts);
  if (Array.isArray(node['anyOf'])) {
    const options = node['anyOf'].filter(isObject);
    const option = options.find((candidate) => accepts(candidate, facts)) ?? options[0];
    return fit(option, facts, root, depth + 1);
  }
  const types = (Array.isArray(node['type']) ? node['type'] : [node['type']]).map(String);
  // A member that may be null, and for which nothing is known, is null: filling it would be a guess.
  if (types.includes('null') && facts === undefined) return null;
  if (types.includes('object')) return fitObject(node, facts, root, depth);
  if (types.includes('array')) return fitArray(node, facts, root, depth);
  if (types.includes('string')) return typeof facts === 'string' ? facts : SIMULATED_TEXT;
  if (types.includes('integer') || types.includes('number')) return fitNumber(node, facts);
  if (types.includes('boolean')) return facts === true;
  return null;
}

function fitObject(node: JsonObject, facts: unknown, root: JsonObject, depth: number): JsonObject {
  const properties = isObject(node['properties']) ? node['properties'] : {};
  const known = isObject(facts) ? facts : {};
  const made: JsonObject = {};
  for (const [name, child] of Object.entries(properties)) made[name] = fit(child, known[name], root, depth + 1);
  return made;
}

function fitArray(node: JsonObject, facts: unknown, root: JsonObject, depth: number): unknown[] {
  // In a list, values that are not in the closed list are left out, not replaced.
  const values = isObject(node['items']) && Array.isArray(node['items']['enum']) ? node['items']['enum'] : null;
  const given = Array.isArray(facts) ? (facts as unknown[]) : facts === undefined ? [] : [facts];
  const kept = values === null ? given : given.filter((value) => values.includes(value));
  const most = typeof node['maxItems'] === 'number' ? node['maxItems'] : Infinity;
  const least = typeof node['minItems'] === 'number' ? node['minItems'] : 0;
  const items = kept.slice(0, most).map((item) => fit(node['items'], item, root, depth + 1));
  while (items.length < least) items.push(fit(node['items'], undefined, root, depth + 1));
  return items;
}

function fitEnum(values: readonly unknown[], facts: unknown): unknown {
  if (values.includes(facts)) return facts;
  return NEUTRAL.find((value) => values.includes(value)) ?? values[0];
}

function fitNumber(node: JsonObject, facts: unknown): number {
  const least = typeof node['minimum'] === 'number' ? node['minimum'] : -Infinity;
  const most = typeof node['maximum'] === 'number' ? node['maximum'] : Infinity;
  return Math.min(most, Math.max(least, typeof facts === 'number' ? facts : 0));
}

function accepts(option: JsonObject, facts: unknown): boolean {
  switch (option['type']) {
    case 'null':
      return facts === null || facts === undefined;
    case 'string':
      return typeof facts === 'string';
    case 'array':
      return Array.isArray(facts);
    case 'object':
      return isObject(facts);
    case 'boolean':
      return typeof facts === 'boolean';
    default:
      return typeof facts === 'number';
  }
}
