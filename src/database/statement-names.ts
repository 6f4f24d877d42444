import { createHash } from 'node:crypto';
import type { QueryConfig } from 'pg';

/** Each prepared statement costs memory in every pooled connection. Further texts beyond this number run unprepared. */
const MOST_STATEMENTS = 500;
/** 128 bits in hexadecimal, so that two texts never get the same name. PostgreSQL's names may have 63 characters. */
const HASH_CHARACTERS = 32;

/**
 * Names for prepared statements (DATABASE_PREPARED). The same text always gets the same name, so it is planned once per
 * connection. The name is made from the text and is not a counter: behind a pooler processes share connections, and
 * with counters one process's statement ran in place of another's, without an error.
 */
export class StatementNames {
  private readonly byText = new Map<string, string>();

  /** @returns undefined when there are too many texts already, so that texts made at run time do not fill the memory */
  nameOf(text: string): string | undefined {
    const known = this.byText.get(text);
    if (known !== undefined || this.byText.size >= MOST_STATEMENTS) return known;
    const name = `s_${createHash('sha256').update(text).digest('hex').slice(0, HASH_CHARACTERS)}`;
    this.byText.set(text, name);
    return name;
  }
}

/** What pg is given for a statement. @param names - undefined where statements are not prepared */
export function statementOf(
  names: StatementNames | undefined,
  text: string,
  values: readonly unknown[],
): QueryConfig<unknown[]> {
  const name = names?.nameOf(text);
  return { text, values: values as unknown[], ...(name === undefined ? {} : { name }) };
}
