import { MAX_NAMED } from './field-problems.js';

/** Keeps the first few entries and counts all of them. */
export class Named {
  readonly named: string[] = [];
  count = 0;

  add(name: string): void {
    this.count += 1;
    if (this.named.length < MAX_NAMED) this.named.push(name);
  }
}
