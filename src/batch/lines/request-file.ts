import { Injectable, Logger } from '@nestjs/common';
import { notesIn, type DescriptionText } from '../../assessment/description.js';
import { translationInputTokens, visionInputTokens } from '../../assessment/estimate.js';
import { fetchable } from '../../assessment/photo-refs.js';
import { translationRequestParts } from '../../assessment/translation.js';
import { visionRequestParts } from '../../assessment/vision-request.js';
import { ModelSettings } from '../../describe/model-settings.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import type { ShardLots } from '../../jobs/lot-store.js';
import { ModelLotReader } from '../../jobs/model-lot-reader.js';
import { customId } from '../shards/tries.js';
import { LineWriter } from './line-writer.js';
import { kindOf } from './unforeseen.js';

/** OpenAI's limits are 200 MB (209,715,200 bytes) and 50,000 lines. */
const MAX_BYTES = 190 * 1024 * 1024;
const MAX_LINES = 50_000;
const PAGE_LOTS = 500;

export interface FileLimits {
  /** How many input tokens the file may hold; null: any number. */
  readonly tokens: number | null;
  readonly bytes?: number;
  readonly lines?: number;
  /** Only lots before this position go into the file; null: all do. */
  readonly before?: number | null;
  /** `max_output_tokens` of each line, if it is not the usual value. */
  readonly room?: number | null;
}

/** What of a job its requests depend on. */
export type AskingJob = Pick<ShardJob, 'languages' | 'options'>;

/** What a file contains once it is written. */
export interface FileFacts {
  lines: number;
  bytes: number;
  tokens: number;
  /** The first position that did not fit: the lots from there on need a file of their own. Null when all fitted. */
  splitAt: number | null;
}

/** What one lot's line is made from. */
interface LineSource {
  readonly position: number;
  readonly prefix: Buffer;
  readonly middle: string;
  readonly suffix: Buffer;
  readonly tokens: number;
}

/** Writes a shard's JSONL. Lots are read page by page, so that no connection is held during a slow upload. */
@Injectable()
export class RequestFile {
  private readonly logger = new Logger(RequestFile.name);

  constructor(
    private readonly lots: ModelLotReader,
    private readonly settings: ModelSettings,
  ) {}

  /** Estimates the input tokens of all lots of a shard from sums in PostgreSQL; rather too high than too low. */
  async estimate(lots: ShardLots, { languages, options }: AskingJob): Promise<number> {
    const settings = this.settings.forJob(options);
    if (lots.stage === 'vision') {
      const { fixed, perPhoto, most } = visionTokens(settings);
      const { lots: count, images, photoTokens, info } = await this.lots.visionTotals(lots, most);
      return count * fixed + images * perPhoto + photoTokens + info;
    }
    const { lots: count, text } = await this.lots.translationTotals(lots);
    const wanted = settings.toTranslate(languages).length;
    const fixed = translationInputTokens(0, wanted, settings.translation);
    return count * fixed + Math.ceil(text / 2);
  }

  /**
   * Yields the file's bytes. `facts` is filled in while the file is read, and is complete at its end.
   * @param job - whose languages and notes decide what is asked for
   */
  async *write(
    lots: ShardLots,
    job: AskingJob,
    limits: FileLimits,
    facts: FileFacts,
  ): AsyncGenerator<Buffer, void, undefined> {
    Object.assign(facts, { lines: 0, bytes: 0, tokens: 0, splitAt: null });
    const maxBytes = limits.bytes ?? MAX_BYTES;
    const maxLines = limits.lines ?? MAX_LINES;
    const writer = new LineWriter();
    const before = limits.before ?? Infinity;
    const room = limits.room ?? undefined;
    const read = lots.stage === 'vision' ? this.visionPages(lots, job, room) : this.translationPages(lots, job, room);
    for await (const page of read) {
      for (const line of page) {
        const size = writer.add(customId(line.position, lots.attempt), line.prefix, line.middle, line.suffix);
        const tokens = facts.tokens + line.tokens;
        const full =
          line.position >= before ||
          facts.bytes + size > maxBytes ||
          facts.lines >= maxLines ||
          (limits.tokens !== null && tokens > limits.tokens);
        // The first line is always sent: a lot that fits into no file must fail at OpenAI instead of being queued again
        // and again.
        if (full && facts.lines > 0) {
          writer.drop(size);
          facts.splitAt = line.position;
          const rest = writer.take();
          if (rest.length > 0) yield rest;
          return;
        }
        facts.lines += 1;
        facts.bytes += size;
        facts.tokens = tokens;
        if (writer.full) yield writer.take();
      }
    }
    const rest = writer.take();
    if (rest.length > 0) yield rest;
  }

  private async *visionPages(
    lots: ShardLots,
    { options }: AskingJob,
    room: number | undefined,
  ): AsyncGenerator<LineSource[], void, undefined> {
    const settings = this.settings.forJob(options);
    const parts = visionRequestParts(settings.vision);
    const pages = this.pages(lots, (from) => this.lots.visionPage(lots, from, PAGE_LOTS));
    const { fixed, perPhoto, most } = visionTokens(settings);
    for await (const rows of pages) {
      yield this.sound(lots, rows, ([position, info, images, missing, photos, photoTokens]) => {
        const urls = addressesOf(images, missing, photos);
        return {
          position,
          prefix: parts.prefix,
          middle: parts.middle(info, urls, room),
          suffix: parts.suffix,
          tokens: fixed + (info?.length ?? 0) + perPhoto * photos + (photoTokens ?? most * photos),
        };
      });
    }
  }

  private async *translationPages(
    lots: ShardLots,
    { languages, options }: AskingJob,
    room: number | undefined,
  ): AsyncGenerator<LineSource[], void, undefined> {
    const wanted = this.settings.forJob(options).toTranslate(languages);
    const parts = translationRequestParts(wanted, this.settings.translation);
    const pages = this.pages(lots, (from) => this.lots.translationPage(lots, from, PAGE_LOTS));
    for await (const rows of pages) {
      // Lots without notes wait in the same shard for words; no model is asked for them.
      const noted = rows.map(([position, json]): [number, string[]] => {
        const notes = notesIn(JSON.parse(json) as DescriptionText);
        return [position, notes.map(({ note }) => note)];
      });
      const asked = noted.filter(([, strings]) => strings.length > 0);
      yield this.sound(lots, asked, ([position, strings]) => {
        const length = strings.reduce((sum, text) => sum + text.length, 0);
        return {
          position,
          prefix: parts.prefix(strings.length),
          middle: parts.middle(strings, room),
          suffix: parts.suffix,
          tokens: translationInputTokens(length, wanted.length, this.settings.translation),
        };
      });
    }
  }

  /**
   * Makes the lines of a page. A lot for which none can be made is left out, like a lot whose line never comes back. It
   * is then asked for by itself and fails alone; otherwise no file of its whole shard could ever be written.
   */
  private sound<T extends [position: number, ...unknown[]]>(
    lots: ShardLots,
    rows: readonly T[],
    line: (row: T) => LineSource,
  ): LineSource[] {
    return rows.flatMap((row) => {
      try {
        return [line(row)];
      } catch (error) {
        const facts = { job_id: lots.jobId, stage: lots.stage, position: row[0] };
        this.logger.error('no request can be made for a lot', { ...facts, reason: kindOf(error) });
        return [];
      }
    });
  }

  /** Yields pages in the order of positions; the next page is read while one is written. */
  private async *pages<T extends [position: number, ...unknown[]]>(
    lots: ShardLots,
    read: (from: number) => Promise<T[]>,
  ): AsyncGenerator<T[], void, undefined> {
    let next: Promise<T[]> | null = read(lots.first);
    try {
      while (next !== null) {
        const rows: T[] = await next;
        const last = rows.at(-1);
        next = last === undefined || rows.length < PAGE_LOTS ? null : read(last[0] + 1);
        // Awaited in the next turn of the loop; until then its failure must not count as unhandled.
        next?.catch(() => undefined);
        if (rows.length > 0) yield rows;
      }
    } finally {
      await next?.catch(() => undefined);
    }
  }
}

/** Input tokens of a vision line: its fixed part, what announces a photo, and the most that a photo takes itself. */
function visionTokens(settings: ModelSettings): {
  readonly fixed: number;
  readonly perPhoto: number;
  readonly most: number;
} {
  const fixed = visionInputTokens(0, 0, settings.vision);
  const perPhoto = visionInputTokens(1, 0, settings.vision, 0) - fixed;
  return { fixed, perPhoto, most: settings.photoTokens(null) };
}

/**
 * The addresses of the photos that are there, as JSON text: each once, and in the form in which a fetcher reads it. For
 * most lots this is the stored text itself.
 * @param photos - how many photos are there
 */
function addressesOf(images: string, missing: string | null, photos: number): string {
  if (missing === null && countStrings(images) === photos && !NEEDS_MENDING.test(images)) return images;
  const gone = new Set(missing === null ? [] : (JSON.parse(missing) as string[]));
  const different = new Set((JSON.parse(images) as string[]).filter((url) => !gone.has(url)));
  return JSON.stringify([...different].map(fetchable));
}

/** White space, or a backslash that may begin an escape. */
const NEEDS_MENDING = /[ \\]/;

function countStrings(json: string): number {
  let count = 1;
  for (let at = json.indexOf('","'); at !== -1; at = json.indexOf('","', at + 3)) count += 1;
  return count;
}
