/** Each prepared statement costs memory in every pooled connection; texts beyond this many run unnamed. */
const MOST_STATEMENTS = 500;

/** Names for prepared statements (DATABASE_PREPARED): the same text always gets the same one, so it is planned once a connection. */
export class StatementNames {
  private readonly byText = new Map<string, string>();

  /** @returns undefined when there are too many texts already, so that a text made up at run time fills nobody's memory */
  nameOf(text: string): string | undefined {
    const known = this.byText.get(text);
    if (known !== undefined || this.byText.size >= MOST_STATEMENTS) return known;
    const name = `s${this.byText.size + 1}`;
    this.byText.set(text, name);
    return name;
  }
}
