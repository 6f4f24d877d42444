import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { Database } from '../../src/database/database.service.js';

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url));

/** Every statement that the service sends in this process, with the file that sent it first; not those of tests. */
export class StatementLog {
  /** The file under src/ by the statement's text. */
  readonly files = new Map<string, string>();

  constructor() {
    // All statements pass here, on a pooled connection and in a transaction. Only COPY does not.
    const prototype = Database.prototype as unknown as { statement: (text: string, values: unknown) => unknown };
    const { statement } = prototype;
    const log = (text: string) => this.add(text);
    vi.spyOn(prototype, 'statement').mockImplementation(function (this: unknown, text, values) {
      log(text);
      return statement.call(this, text, values);
    });
  }

  private add(text: string): void {
    if (this.files.has(text)) return;
    const file = sender();
    if (file !== undefined) this.files.set(text, file);
  }
}

/** The first file on the stack that is none of the database's own; undefined when it is a test's. */
function sender(): string | undefined {
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  for (const frame of frames) {
    const path = /((?:file:\/\/)?\/[^():]+):\d+:\d+/.exec(frame)?.[1]?.replace('file://', '');
    if (path === undefined || path.includes('node_modules') || path.includes('statement-log')) continue;
    if (!path.startsWith(SOURCE)) return undefined;
    const name = relative(SOURCE, path).split(sep).join('/');
    if (!name.startsWith('database/')) return name;
  }
  return undefined;
}
