import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const src = join(root, 'src');

interface SourceFile {
  /** Relative to src/, with slashes. */
  readonly path: string;
  readonly text: string;
  /** The files of src/ that it imports, relative to src/. */
  readonly imports: readonly string[];
  readonly packages: readonly string[];
}

const files: readonly SourceFile[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(src, path), 'utf8');
    const named = [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)'|\bimport\(\s*'([^']+)'/gm)];
    const names = named.map(([, statically, dynamically]) => (statically ?? dynamically) as string);
    const local = names.filter((name) => name.startsWith('.'));
    return {
      path: slashes(path),
      text,
      imports: local.map((name) => slashes(relative(src, resolve(src, dirname(path), name)))),
      packages: names.filter((name) => !name.startsWith('.')),
    };
  });

const architecture = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8');

/** The table of docs/architecture.md: room to the rooms that it may import. */
const allowed = new Map(
  [...architecture.matchAll(/^\| ([a-z]+)\/ \|.*\| ([^|]+) \|$/gm)].map(
    ([, room, names]): [string, ReadonlySet<string>] => [
      room as string,
      new Set((names as string).split(', ').filter((name) => name !== '–')),
    ],
  ),
);

/** The table of docs/architecture.md: each table of the database to the room that owns its SQL. */
const owners = new Map(
  [...architecture.matchAll(/^\| ([a-z_]+) \| ([a-z]+)\/ \|/gm)].map(([, table, room]): [string, string] => [
    table as string,
    room as string,
  ]),
);

/** The files beside the rooms put everything together and may import everything; all others are in rooms. */
const inRooms = files.filter(({ path }) => path.includes('/'));

/** Where a room's SQL is. */
const STORE = /(?:-store|-reader|\.entity|\.entities)\.ts$/;

describe('the rooms of src/', () => {
  it('the rooms of src/ are those of docs/architecture.md', () => {
    expect(new Set(allowed.keys())).toEqual(new Set(inRooms.map(({ path }) => roomOf(path))));
  });

  it('the rooms of src/ import only what docs/architecture.md allows', () => {
    const imports = inRooms.flatMap(({ path, imports: names }) =>
      names.map((name) => ({ path, from: roomOf(path), to: roomOf(name) })),
    );
    expect(imports.length).toBeGreaterThan(300);
    const forbidden = imports.filter(({ from, to }) => from !== to && allowed.get(from)?.has(to) !== true);
    expect(forbidden.map(({ path, to }) => `${path} imports ${to}/`)).toEqual([]);
  });

  it('the rooms of src/ import each other in no cycle', () => {
    const done = new Set<string>();
    for (let left = [...allowed.keys()]; left.length > 0; left = left.filter((room) => !done.has(room))) {
      const free = left.filter((room) => [...(allowed.get(room) ?? [])].every((name) => done.has(name)));
      expect(free, `a cycle among ${left.join(', ')}`).not.toEqual([]);
      for (const room of free) done.add(room);
    }
  });
});

describe('the tables of the database', () => {
  const strangers = files.flatMap(({ path, text }) =>
    [...owners].flatMap(([table, room]) =>
      namesTable(text, table) && (roomOf(path) !== room || !STORE.test(path)) ? [{ path, table }] : [],
    ),
  );

  it('every table has an owner, in whose room its entity is', () => {
    const entities = files.flatMap(({ path, text }) =>
      [...text.matchAll(/@Entity\('(\w+)'\)/g)].map(([, table]): [string, string] => [table as string, roomOf(path)]),
    );
    expect(Object.fromEntries(owners)).toEqual(Object.fromEntries(entities));
    expect(owners.size).toBeGreaterThan(10);
  });

  it('a table is named only in the stores and entities of its owner', () => {
    expect(strangers.map(({ path, table }) => `${path} names ${table}`)).toEqual([]);
  });
});

describe('the files of src/', () => {
  it('no files of src/ import each other in a circle, not even for types', () => {
    const importsOf = new Map(
      files.map(({ path, imports }) => [path, imports.map((name) => name.replace(/\.js$/, '.ts'))]),
    );
    let left = new Set(importsOf.keys());
    for (let before = left.size + 1; left.size < before;) {
      before = left.size;
      // A file that imports none of those left is in no circle.
      left = new Set([...left].filter((path) => importsOf.get(path)?.some((name) => left.has(name))));
    }
    // What is left imports a circle or is one; those that nothing left imports are none.
    for (let before = left.size + 1; left.size < before;) {
      before = left.size;
      left = new Set([...left].filter((path) => [...left].some((other) => importsOf.get(other)?.includes(path))));
    }
    expect([...left]).toEqual([]);
  });
});

describe('the fast path of the intake', () => {
  const folder = 'generation/intake/fast-path/';

  it('the fast path of the intake has one door, and only the sink that hands it lots goes through it', () => {
    const outside = files.filter(({ path }) => !path.startsWith(folder));
    const entries = outside.flatMap(({ path, imports }) =>
      imports.filter((name) => name.startsWith(folder)).map((name) => `${path} imports ${name}`),
    );
    expect(entries).toEqual([`generation/intake/intake-sink.ts imports ${folder}plain-lots.js`]);
  });
});

describe('what belongs to one room alone', () => {
  const importersOf = (name: string) => roomsOf(({ packages }) => packages.some((found) => isPackage(found, name)));

  it('the OpenAI SDK is imported by openai/ alone', () => expect(importersOf('openai')).toEqual(['openai']));

  it('sharp is loaded only when it is needed, because it takes 20 MB', () => {
    expect(roomsOf(({ text }) => /^import (?!type )[^;]*from 'sharp'/m.test(text))).toEqual([]);
  });

  it('the environment is read by config/ alone', () => {
    expect(roomsOf(({ text }) => /\bprocess\.env\b/.test(withoutComments(text)))).toEqual(['config']);
  });

  it('only the files that start the process ask for its role', () => {
    const asking = files.filter(({ text }) => /\brole\s*[!=]==/.test(withoutComments(text)));
    expect(asking.map(({ path }) => path).toSorted()).toEqual(['compose.ts', 'config/load-config.ts', 'main.ts']);
  });

  it('assessment/ does no input or output: it is data alone', () => {
    const used = files.filter(({ path }) => roomOf(path) === 'assessment').flatMap(({ packages }) => packages);
    expect(used.filter((name) => name !== 'node:crypto')).toEqual([]);
  });
});

describe('the auditor', () => {
  const audit = files.filter(({ path }) => path.startsWith('assessment/audit/'));

  it('shares nothing with what writes the texts but types: a mistake that both make is seen by none', () => {
    expect(audit.length).toBeGreaterThan(10);
    const shared = audit.flatMap(({ path, text }) =>
      [...text.matchAll(/^(?:import|export) (?!type )[^;]*?from '\.\.\/text\/[^']+'|\bimport\(/gm)].map(
        ([line]) => `${path}: ${line}`,
      ),
    );
    expect(shared).toEqual([]);
  });

  it('takes from the rest of assessment/ closed lists only', () => {
    const lists = ['taxonomy', 'damage-details', 'lot-flags', 'vehicle'].map((name) => `assessment/${name}.js`);
    const taken = audit.flatMap(({ text }) =>
      [...text.matchAll(/^import (?!type )[^;]*?from '\.\.\/([^']+)'/gm)].map(([, name]) => `assessment/${name}`),
    );
    expect(taken.filter((name) => !lists.includes(name))).toEqual([]);
  });
});

it('no file of src/ passes 300 lines: two that each do one thing are easier to find and to change', () => {
  const long = files.filter(({ text }) => text.split('\n').length > 301);
  expect(long.map(({ path }) => path)).toEqual([]);
});

/**
 * A table whose name is also an everyday word counts only where SQL comes before it, because a member of an answer may
 * have the same name.
 */
function namesTable(text: string, table: string): boolean {
  const name = table.includes('_')
    ? `\\b${table}\\b(?!\\??:)`
    : `(?:\\b(?:from|join|into|update|table) |['\`])${table}\\b`;
  return new RegExp(name).test(text);
}

function roomOf(path: string): string {
  return path.split('/')[0] as string;
}

function roomsOf(test: (file: SourceFile) => boolean): string[] {
  return [...new Set(files.filter(test).map(({ path }) => roomOf(path)))];
}

function isPackage(name: string, wanted: string): boolean {
  return name === wanted || name.startsWith(`${wanted}/`);
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}

function slashes(path: string): string {
  return path.split(sep).join('/');
}
