import { chance } from '../seeded.js';
import type { FileDraft, FileStore } from '../files/file-store.js';

/** The number of lines held back so that they are written in another order; the memory does not grow with the batch. */
const HELD_LINES = 128;

/** One of a batch's two output files, its lines shuffled by the seed. It exists only once a line was written. */
export class LineOutput {
  private readonly held: Buffer[] = [];
  private draft: FileDraft | null = null;
  private written = 0;
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly files: FileStore,
    private readonly seed: string,
  ) {}

  /** Several lines of a batch end at the same time, so their writes are queued. */
  async add(line: string): Promise<void> {
    this.held.push(Buffer.from(`${line}\n`));
    if (this.held.length <= HELD_LINES) return;
    this.last = this.last.then(() => this.releaseOne());
    await this.last;
  }

  /** The file's id, null when no line was written. */
  async keep(filename: string, lifeSeconds: number | null): Promise<string | null> {
    await this.last;
    while (this.held.length > 0) await this.releaseOne();
    const { draft } = this;
    if (draft === null) return null;
    this.draft = null;
    const record = await draft.keep({ filename, purpose: 'batch_output', lifeSeconds });
    return record.id;
  }

  async discard(): Promise<void> {
    await this.last.catch(() => undefined);
    await this.draft?.discard();
  }

  private async releaseOne(): Promise<void> {
    const index = Math.floor(chance(this.seed, this.written++) * this.held.length);
    const chosen = this.held[index];
    const last = this.held.pop();
    if (chosen === undefined || last === undefined) return;
    if (index < this.held.length) this.held[index] = last;
    this.draft ??= await this.files.draft();
    await this.draft.write(chosen);
  }
}
