/** Collects the values of a statement that is built from parts; each part adds its own. */
export class Values {
  readonly list: unknown[];

  constructor(...first: unknown[]) {
    this.list = first;
  }

  /** @returns the value's place in the statement, such as `$3` */
  add(value: unknown): string {
    return `$${this.list.push(value)}`;
  }
}
