/** The values of a statement that is put together from parts, each of which adds its own. */
export class Values {
  readonly list: unknown[];

  constructor(...first: unknown[]) {
    this.list = first;
  }

  /** @returns the value's place in the statement, as `$3` */
  add(value: unknown): string {
    return `$${this.list.push(value)}`;
  }
}
