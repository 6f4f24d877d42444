import { Clock } from '../../src/common/clock.js';
import { loadConfig } from '../../src/config/load-config.js';
import { LotTexts } from '../../src/describe/lot-texts.js';
import { ModelSettings } from '../../src/describe/model-settings.js';
import { ClientWordsStore } from '../../src/glossaries/client-words-store.js';
import { CurrentGlossaries } from '../../src/glossaries/current-glossaries.js';
import { GlossaryMakingStore } from '../../src/glossaries/glossary-making-store.js';
import { GlossaryVersionStore } from '../../src/glossaries/glossary-version-store.js';
import { KnownClientWords } from '../../src/glossaries/known-client-words.js';
import { KnownGlossaries } from '../../src/glossaries/known-glossaries.js';
import { Leases } from '../../src/database/leases.service.js';
import { RevisionStore } from '../../src/jobs/revision-store.js';
import { Rerender } from '../../src/rerender/rerender.service.js';
import type { TestDatabase } from '../support/database.js';

const config = loadConfig({ SHARED_KEY: 'dev-shared-key-0123456789abcdef012345', OPENAI_API_KEY: 'unused' });
const settings = new ModelSettings(config);
const texts = new LotTexts(settings);

/**
 * What the command is made of, as a process of its own would have it.
 * @param whileWaiting - runs at each wait for another process
 */
export function rerenderOn(
  { database }: TestDatabase,
  whileWaiting: () => Promise<unknown> = () => Promise.resolve(),
): Rerender {
  return new Rerender(
    config,
    new WatchedClock(whileWaiting),
    new RevisionStore(database),
    texts,
    glossariesOn(database),
  );
}

/** One that is told to stop once it has written so many chunks. */
export function stoppedAfter({ database }: TestDatabase, chunks: number): { rerender: Rerender; signal: AbortSignal } {
  const stop = new AbortController();
  const store = new RevisionStore(database);
  const write = store.write.bind(store);
  let left = chunks;
  store.write = async (...args) => {
    const written = await write(...args);
    if (--left === 0) stop.abort(new Error('stopped'));
    return written;
  };
  return { rerender: new Rerender(config, new Clock(), store, texts, glossariesOn(database)), signal: stop.signal };
}

function glossariesOn(database: TestDatabase['database']): CurrentGlossaries {
  const known = new KnownGlossaries(database, settings, new GlossaryVersionStore(database));
  const words = new KnownClientWords(settings, new ClientWordsStore(database));
  return new CurrentGlossaries(known, words, new GlossaryMakingStore(database, new Leases(database, config)), settings);
}

class WatchedClock extends Clock {
  constructor(private readonly whileWaiting: () => Promise<unknown>) {
    super();
  }

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await this.whileWaiting();
    return super.sleep(Math.min(ms, 50), signal);
  }
}
