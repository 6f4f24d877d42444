import { numberAt, type JsonObject } from '../json.js';
import { chance } from '../seeded.js';
import { FAULT_ACTIONS, parseFaultRule, type FaultAction, type FaultRule, type FaultScope } from './fault-rules.js';

/** The case that a rule's conditions are compared with. */
export interface FaultCase {
  readonly method?: string;
  readonly path?: string;
  readonly model?: string | undefined;
  readonly kind?: 'vision' | 'translation' | undefined;
  readonly within?: 'line' | 'http';
  /** The raw body or line. */
  readonly text?: string | undefined;
  /** The value that decides a probability, a custom_id for example; without it the running number of the case. */
  readonly key?: string;
}

interface Entry {
  readonly rule: FaultRule;
  readonly isSetting: boolean;
  readonly path: RegExp | null;
  seen: number;
  struck: number;
}

/** The fault rules in force, with how often each one struck. */
export class FaultBook {
  private entries: Entry[] = [];
  private made = 0;

  constructor(private readonly seed: string) {}

  /**
   * Adds rules behind those in force.
   * @param isSetting - given at every start (SANDBOX_FAULTS), so that it need not be kept
   * @returns the rules with their ids
   * @throws Error for a malformed rule; then none is added
   */
  add(values: readonly unknown[], isSetting = false): FaultRule[] {
    const name = isSetting ? 'setting' : 'fault';
    const rules = values.map((value, index) => parseFaultRule(value, `${name}-${this.made + index + 1}`));
    if (!isSetting) this.made += rules.length;
    this.entries.push(...rules.map((rule) => ({ rule, isSetting, path: pathPattern(rule.path), seen: 0, struck: 0 })));
    return rules;
  }

  /** The state that a restart needs to continue with the same rules and ids; ids decide probabilities. */
  kept(): JsonObject {
    return { made: this.made, rules: this.entries.filter(({ isSetting }) => !isSetting).map(({ rule }) => rule) };
  }

  /** Restores the state that `kept` returned. */
  restore(document: JsonObject | null): void {
    const rules = document?.['rules'];
    if (Array.isArray(rules)) this.add(rules);
    this.made = Math.max(this.made, numberAt(document ?? {}, 'made') ?? 0);
  }

  /** Removes one rule, or all of them. */
  remove(id?: string): void {
    this.entries = id === undefined ? [] : this.entries.filter((entry) => entry.rule.id !== id);
  }

  list(): (FaultRule & { seen: number; struck: number })[] {
    return this.entries.map(({ rule, seen, struck }) => ({ ...rule, seen, struck }));
  }

  /** The rules of a scope that strike this case, in the order they were added; counts them. */
  strike(scope: FaultScope, faultCase: FaultCase): FaultRule[] {
    const struck: FaultRule[] = [];
    for (const entry of this.entries) {
      if (FAULT_ACTIONS[entry.rule.action] !== scope || !holds(entry, faultCase)) continue;
      entry.seen++;
      if (entry.seen <= (entry.rule.skip ?? 0) || entry.struck >= (entry.rule.count ?? Infinity)) continue;
      if (!this.falls(entry, faultCase)) continue;
      entry.struck++;
      struck.push(entry.rule);
    }
    return struck;
  }

  /** True when a rule of this action is in force for the model; not counted, since it is asked many times a request. */
  modelGone(model: string): boolean {
    return this.entries.some(
      ({ rule }) => rule.action === 'model_gone' && (rule.model === undefined || rule.model === model),
    );
  }

  private falls({ rule, seen }: Entry, { key }: FaultCase): boolean {
    if (rule.probability === undefined) return true;
    return chance(rule.seed ?? this.seed, rule.id, key ?? seen) < rule.probability;
  }
}

/** The first rule with this action. */
export function ruleFor(rules: readonly FaultRule[], action: FaultAction): FaultRule | undefined {
  return rules.find((rule) => rule.action === action);
}

function holds({ rule, path }: Entry, faultCase: FaultCase): boolean {
  return (
    (rule.method === undefined || rule.method.toUpperCase() === faultCase.method) &&
    (path === null || (faultCase.path !== undefined && path.test(faultCase.path))) &&
    (rule.model === undefined || rule.model === faultCase.model) &&
    (rule.kind === undefined || rule.kind === faultCase.kind) &&
    (rule.within === undefined || rule.within === faultCase.within) &&
    (rule.contains === undefined || (faultCase.text?.includes(rule.contains) ?? false))
  );
}

function pathPattern(path: string | undefined): RegExp | null {
  if (path === undefined) return null;
  const parts = path.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
