import { ServiceError } from '../../common/service-error.js';

/** A field that breaks a rule: where it stands in the body, and the rule. */
export interface FieldProblem {
  readonly path: string;
  readonly rule: string;
}

/** How many problems an answer lists: enough to correct a request, and not as long as the request. */
export const MAX_NAMED = 100;

/** Collects the first problems and counts the rest. */
export class FieldProblems {
  readonly fields: FieldProblem[] = [];
  count = 0;

  add(path: string, rule: string): void {
    this.count += 1;
    if (this.fields.length < MAX_NAMED) this.fields.push({ path, rule });
  }

  throwIfAny(): void {
    if (this.count === 0) return;
    throw new ServiceError('VALIDATION_FAILED', 'Some values are not valid; details lists each field with its rule.', {
      details: { fields: this.fields, count: this.count },
    });
  }
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Characters that neither PostgreSQL nor a model can take: U+0000 and halves of surrogate pairs. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && !LONE_SURROGATE.test(text);
}

/** The length in Unicode code points, which is what the contract calls characters. */
export function characters(text: string): number {
  let count = text.length;
  // Each pair of surrogates is one character; most texts hold none and cost a single scan.
  for (const _pair of text.matchAll(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)) count -= 1;
  return count;
}
