import { existsSync } from 'node:fs';
import type { GenerationService } from '../client.js';
import type { CheckedPhoto } from '../types.js';
import { readLots } from './read-lots.js';

/** As many addresses as one request may name. */
const AT_ONCE = 100;
const COLUMNS = ['photo', 'is', 'format', 'width', 'height', 'bytes', 'tokens', 'usd'];

/** A cell of a printed table; empty where there is nothing. */
export type Cell = string | number | null | undefined;

/**
 * A row for each photo, of the addresses given or of the files with lots. Returns how many are of no use.
 * @param print - gets the cells of a row
 */
export async function checkPhotos(
  service: GenerationService,
  sources: readonly string[],
  print: (cells: readonly Cell[]) => void,
): Promise<number> {
  print(COLUMNS);
  let useless = 0;
  for await (const images of groupsOf(addressesOf(sources))) {
    const { photos } = await service.photoCheck(images);
    for (const photo of photos) print(rowOf(photo));
    useless += photos.filter(({ reachable }) => !reachable).length;
  }
  return useless;
}

function rowOf(photo: CheckedPhoto): Cell[] {
  const { url, reason, format, width, height, bytes, tokens, estimated_cost_usd: cost } = photo;
  return [url, reason ?? 'ok', format, width, height, bytes, tokens.high, cost.high];
}

async function* addressesOf(sources: readonly string[]): AsyncGenerator<string, void, undefined> {
  for (const source of sources) {
    if (!existsSync(source)) yield source;
    else for await (const { images } of readLots(source)) for (const image of images) yield urlOf(image);
  }
}

function urlOf(image: { url: string } | string): string {
  return typeof image === 'string' ? image : image.url;
}

async function* groupsOf(addresses: AsyncIterable<string>): AsyncGenerator<string[], void, undefined> {
  let group: string[] = [];
  for await (const address of addresses) {
    group.push(address);
    if (group.length < AT_ONCE) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
