import { userInfo } from 'node:os';

/** The user of the operating system; containers may run as a number without a name. */
export function currentOperator(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
