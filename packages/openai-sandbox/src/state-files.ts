import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject, type JsonObject } from './json.js';

/** Small JSON documents in the state folder, each replaced as a whole: a kill leaves the old one or the new one. */
export class StateFiles {
  private writes = 0;
  private readonly last = new Map<string, Promise<void>>();

  constructor(readonly folder: string) {}

  async prepare(): Promise<this> {
    await mkdir(this.folder, { recursive: true });
    return this;
  }

  /** Resolves once the document is on disk. Two writes of one document keep their order, so that the later one wins. */
  async write(name: string, document: object): Promise<void> {
    const text = JSON.stringify(document);
    const before = this.last.get(name) ?? Promise.resolve();
    const write = before.catch(() => undefined).then(() => this.replace(name, text));
    this.last.set(name, write);
    try {
      await write;
    } finally {
      if (this.last.get(name) === write) this.last.delete(name);
    }
  }

  private async replace(name: string, text: string): Promise<void> {
    const file = this.path(name);
    const draft = `${file}.${process.pid}-${++this.writes}.tmp`;
    await writeFile(draft, text);
    await rename(draft, file);
  }

  /** null when there is none, or none that can be read. */
  async read(name: string): Promise<JsonObject | null> {
    try {
      const value: unknown = JSON.parse(await readFile(this.path(name), 'utf8'));
      return isObject(value) ? value : null;
    } catch {
      return null;
    }
  }

  async remove(name: string): Promise<void> {
    await rm(this.path(name), { force: true });
  }

  /** All documents whose names are well-formed; drafts that a kill left behind are swept. */
  async readAll(): Promise<JsonObject[]> {
    const documents: JsonObject[] = [];
    for (const entry of await readdir(this.folder)) {
      if (entry.endsWith('.tmp')) await rm(join(this.folder, entry), { force: true });
      if (!entry.endsWith('.json')) continue;
      const document = await this.read(entry.slice(0, -'.json'.length));
      if (document !== null) documents.push(document);
    }
    return documents;
  }

  private path(name: string): string {
    return join(this.folder, `${name}.json`);
  }
}
