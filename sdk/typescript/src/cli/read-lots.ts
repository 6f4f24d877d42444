import { createReadStream } from 'node:fs';
import type { Lot } from '../types.js';
import { parseCsv, type CsvRow } from './parse-csv.js';

/** The lots of a file, one by one: NDJSON by its name, otherwise CSV. */
export async function* readLots(path: string): AsyncGenerator<Lot, void, undefined> {
  const text = createReadStream(path, 'utf8') as AsyncIterable<string>;
  const lots = /\.(ndjson|jsonl)$/i.test(path) ? lotsOfLines(text) : lotsOfCsv(text);
  try {
    yield* lots;
  } catch (error) {
    throw new Error(`${path}, ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Columns: `lot_id`; `images` with addresses separated by white space or `|`, or any columns whose names begin with
 * `image`; if wanted `additional_info` and `webhook`. Rows that repeat a lot_id right away add photos to it.
 */
export async function* lotsOfCsv(text: AsyncIterable<string>): AsyncGenerator<Lot, void, undefined> {
  let pending: (Lot & { images: string[] }) | null = null;
  for await (const row of parseCsv(text)) {
    const lot = lotOfRow(row);
    if (pending?.lot_id === lot.lot_id) {
      pending.images.push(...lot.images);
      continue;
    }
    if (pending !== null) yield pending;
    pending = lot;
  }
  if (pending !== null) yield pending;
}

function lotOfRow({ line, cells }: CsvRow): Lot & { images: string[] } {
  const lotId = cells.get('lot_id')?.trim() ?? '';
  if (!cells.has('lot_id')) throw new Error('line 1: there is no column lot_id');
  if (lotId === '') throw new Error(`line ${line}: lot_id is empty`);
  const images = [...cells]
    .filter(([name]) => name.startsWith('image'))
    .flatMap(([, cell]) => cell.split(/[\s|]+/))
    .filter((address) => address !== '');
  const info = cells.get('additional_info') ?? '';
  const webhook = cells.get('webhook')?.trim() ?? '';
  return {
    lot_id: lotId,
    images,
    ...(info !== '' && { additional_info: info }),
    ...(webhook !== '' && { webhook }),
  };
}

async function* lotsOfLines(text: AsyncIterable<string>): AsyncGenerator<Lot, void, undefined> {
  let number = 0;
  for await (const line of linesOf(text)) {
    number++;
    if (line.trim() === '') continue;
    try {
      yield JSON.parse(line) as Lot;
    } catch (cause) {
      throw new Error(`line ${number}: ${(cause as Error).message}`, { cause });
    }
  }
}

async function* linesOf(text: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  let rest = '';
  for await (const chunk of text) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  yield rest;
}
