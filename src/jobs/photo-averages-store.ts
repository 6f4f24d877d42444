import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { remember } from '../common/remember.js';
import { Database } from '../database/database.service.js';

/** Whose photos, and for which model and detail they are counted. */
export interface PhotosOf {
  readonly keyId: string;
  readonly model: string;
  readonly detail: string;
}

/** Photos and the input tokens that they take together. */
export interface CountedPhotos {
  readonly photos: number;
  readonly tokens: number;
}

/** So many photos are remembered: that many new ones weigh as much as all before them. */
const REMEMBERED = 2_000;
/** How often one key's average is written at most, unless many photos have come. */
const WRITE_MS = 10_000;
const WRITE_PHOTOS = 500;
const READ_MS = 30_000;
const MOST_KEPT = 1_000;

interface Collected {
  readonly of: PhotosOf;
  counted: CountedPhotos;
  writtenAt: number;
}

/**
 * The average of a key's latest photos, for estimates that are made before any photo of a job is seen. Photos are collected in
 * memory and written together: a synchronous request must not pay for a statement that only helps later estimates.
 */
@Injectable()
export class PhotoAveragesStore {
  private readonly logger = new Logger(PhotoAveragesStore.name);
  private readonly collected = new Map<string, Collected>();
  private readonly writing = new Set<Promise<void>>();
  private readonly read = new Map<string, { readonly until: number; readonly tokens: Promise<number | null> }>();

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
  ) {}

  /** Input tokens of one of the key's latest photos on average; null when none was ever counted. */
  recent(of: PhotosOf): Promise<number | null> {
    const name = nameOf(of);
    const known = this.read.get(name);
    if (known !== undefined && known.until > this.clock.now()) return known.tokens;
    const tokens = this.select(of);
    remember(this.read, name, { until: this.clock.now() + READ_MS, tokens }, MOST_KEPT);
    // The next one asks again.
    tokens.catch(() => this.read.delete(name));
    return tokens;
  }

  /** Counts photos whose sizes were seen. They are written later: those of a process's last seconds may be lost. */
  count(of: PhotosOf, { photos, tokens }: CountedPhotos): void {
    if (photos === 0) return;
    const name = nameOf(of);
    const before = this.collected.get(name) ?? { of, counted: { photos: 0, tokens: 0 }, writtenAt: -Infinity };
    before.counted = { photos: before.counted.photos + photos, tokens: before.counted.tokens + tokens };
    remember(this.collected, name, before, MOST_KEPT);
    const now = this.clock.now();
    if (before.counted.photos < WRITE_PHOTOS && now - before.writtenAt < WRITE_MS) return;
    before.writtenAt = now;
    const writing = this.write(name, before)
      .catch((error: unknown) => {
        this.logger.warn("a key's average photo could not be written", { reason: (error as Error).message });
      })
      .finally(() => this.writing.delete(writing));
    this.writing.add(writing);
  }

  /** Resolves when all that was collected is written. */
  async flush(): Promise<void> {
    await Promise.all(this.writing);
    for (const [name, collected] of this.collected) await this.write(name, collected);
  }

  private async write(name: string, collected: Collected): Promise<void> {
    const { photos, tokens } = collected.counted;
    if (photos === 0) return;
    collected.counted = { photos: 0, tokens: 0 };
    const { keyId, model, detail } = collected.of;
    await this.database.execute(
      `insert into photo_averages as a (key_id, model, detail, photos, tokens, updated_at)
       values ($1, $2, $3, $4, $5, now())
       on conflict (key_id, model, detail) do update set
         photos = least(a.photos, $6) + excluded.photos,
         tokens = a.tokens * least(1, $6 / a.photos) + excluded.tokens,
         updated_at = now()`,
      [keyId, model, detail, photos, tokens, REMEMBERED],
    );
    this.read.delete(name);
  }

  private async select({ keyId, model, detail }: PhotosOf): Promise<number | null> {
    const [row] = await this.database.query<{ average: number }>(
      'select tokens / photos as average from photo_averages where key_id = $1 and model = $2 and detail = $3',
      [keyId, model, detail],
    );
    return row?.average ?? null;
  }
}

function nameOf({ keyId, model, detail }: PhotosOf): string {
  return `${keyId}\n${model}\n${detail}`;
}
