import { createHash } from 'node:crypto';

/** Each prepared statement costs memory in every pooled connection; texts beyond this many run unnamed. */
const MOST_STATEMENTS = 500;
/** 128 bits in hexadecimal: no two texts of the service share them, and PostgreSQL's names have room for 63 characters. */
const HASH_CHARACTERS = 32;

/**
 * Names for prepared statements (DATABASE_PREPARED): the same text always gets the same one, so it is planned once a
 * connection. The name comes from the text alone, not from a count: behind a pooler processes share connections, and there
 * the first statement of one process ran in place of another's, without an error.
 */
export class StatementNames {
  private readonly byText = new Map<string, string>();

  /** @returns undefined when there are too many texts already, so that a text made up at run time fills nobody's memory */
  nameOf(text: string): string | undefined {
    const known = this.byText.get(text);
    if (known !== undefined || this.byText.size >= MOST_STATEMENTS) return known;
    const name = `s_${createHash('sha256').update(text).digest('hex').slice(0, HASH_CHARACTERS)}`;
    this.byText.set(text, name);
    return name;
  }
}
