import { join } from 'node:path';

/** A file of the package by its path from the root. */
export function packagePath(path: string): string {
  return join(import.meta.dirname, '..', '..', path);
}
