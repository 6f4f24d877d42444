import { readFileSync } from 'node:fs';
import { parse, parseAllDocuments } from 'yaml';
import { packagePath } from './package-path.js';

/** A part of a manifest; its members are read by the test that knows them. */
export type Part = Record<string, unknown>;

export const partAt = (from: unknown, ...path: readonly (string | number)[]): Part => at(from, ...path) as Part;

export function at(from: unknown, ...path: readonly (string | number)[]): unknown {
  let value: unknown = from;
  for (const name of path) value = (value as Part | undefined)?.[name];
  return value;
}

/** A file with one document, its anchors and `<<` put in. */
export function readYaml(path: string): Part {
  return parse(readFileSync(packagePath(path), 'utf8'), { merge: true }) as Part;
}

/** A file with several documents. */
export function readYamls(path: string): Part[] {
  return parseAllDocuments(readFileSync(packagePath(path), 'utf8')).map((document) => {
    if (document.errors.length > 0) throw new Error(`${path}: ${document.errors.join('; ')}`);
    return document.toJS() as Part;
  });
}

/** Every setting that .env.example names, with its default; the form NAME_FILE is one too for what is marked (file). */
export function settings(): ReadonlyMap<string, string> {
  const text = readFileSync(packagePath('.env.example'), 'utf8');
  const found = new Map(
    [...text.matchAll(/^(?:# )?([A-Z][A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  for (const name of [
    'SHARED_KEY',
    'SHARED_KEYS',
    'OPENAI_API_KEY',
    'DATABASE_URL',
    'WEBHOOK_SECRET',
    'WEBHOOK_SECRETS',
  ]) {
    found.set(`${name}_FILE`, '');
  }
  return found;
}

/** `5m30s`, `330s` or a number of seconds. */
export function seconds(duration: unknown): number {
  const [, minutes = '0', rest = '0'] = /^(?:(\d+)m)?(?:(\d+)s?)?$/.exec(String(duration)) ?? [];
  return Number(minutes) * 60 + Number(rest);
}

/** The longest that a process takes to end after SIGTERM: what waits, and the 5 s until connections are cut. */
export function longestEnd(environment: Part): number {
  const of = (name: string) => Number(environment[name] ?? settings().get(name));
  return of('SHUTDOWN_DELAY') + of('SHUTDOWN_GRACE') + 5;
}
