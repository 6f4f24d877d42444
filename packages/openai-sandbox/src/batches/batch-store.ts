import { isObject, type JsonObject } from '../json.js';
import { StateFiles } from '../state-files.js';
import { isTerminal, type BatchRecord } from './batch-record.js';

/** All batches ever created, each a document on disk. */
export class BatchStore {
  private readonly records = new Map<string, BatchRecord>();
  private sequence = 0;

  private constructor(private readonly state: StateFiles) {}

  static async open(folder: string): Promise<BatchStore> {
    const store = new BatchStore(await new StateFiles(folder).prepare());
    for (const document of await store.state.readAll()) {
      if (!isRecord(document)) continue;
      store.records.set(document.id, document);
      store.sequence = Math.max(store.sequence, document.sequence);
    }
    return store;
  }

  nextSequence(): number {
    return ++this.sequence;
  }

  async save(record: BatchRecord): Promise<void> {
    this.records.set(record.id, record);
    await this.state.write(record.id, record);
  }

  find(id: string): BatchRecord | undefined {
    return this.records.get(id);
  }

  /** Newest first. */
  list(): BatchRecord[] {
    return [...this.records.values()].toSorted((a, b) => b.sequence - a.sequence);
  }

  /** Input tokens of all unfinished batches of a model, except for one of them. */
  enqueuedTokens(model: string, except: string): number {
    let tokens = 0;
    for (const record of this.records.values()) {
      if (record.model === model && record.id !== except && !isTerminal(record)) tokens += record.enqueued;
    }
    return tokens;
  }

  /** The newest time in any batch; the sandbox's clock never goes back behind it. */
  latestSeconds(): number {
    let latest = 0;
    for (const { created_at, entered } of this.records.values()) {
      latest = Math.max(latest, created_at, ...Object.values(entered));
    }
    return latest;
  }
}

function isRecord(document: JsonObject): document is JsonObject & BatchRecord {
  return (
    typeof document['id'] === 'string' &&
    typeof document['sequence'] === 'number' &&
    isObject(document['counts']) &&
    isObject(document['entered'])
  );
}
