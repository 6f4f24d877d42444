import { Inject, Injectable, Logger, type BeforeApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { Database } from '../database/database.service.js';
import { LeaseLostError } from '../database/lease.js';
import { countLostLease } from '../database/lease-metrics.js';
import { Leases } from '../database/leases.service.js';
import { ModelSettings } from '../describe/model-settings.js';
import { OpenAiError } from '../openai/errors.js';
import { CurrentGlossaries } from './current-glossaries.js';
import { GlossaryAsker } from './glossary-asker.js';
import { GlossaryMakingStore, type MakingClaim } from './glossary-making-store.js';
import { GlossaryVersionStore } from './glossary-version-store.js';

/** Each is one request; the others wait for the next free place, here or in another process. */
const AT_ONCE = 4;
/** After an error of our own, such as a database that is away. */
const AFTER_FAULT_SECONDS = 60;

/** Makes the glossaries that are wanted. Every process may; a lease sees to it that only one makes each. */
@Injectable()
export class GlossaryMaker implements OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger(GlossaryMaker.name);
  private readonly running = new Set<Promise<void>>();
  private readonly listeners = new Set<() => void>();
  private readonly leaving = new AbortController();
  private stopped = false;

  constructor(
    @Inject(APP_CONFIG) private readonly config: Pick<AppConfig, 'http'>,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly leases: Leases,
    private readonly makings: GlossaryMakingStore,
    private readonly versions: GlossaryVersionStore,
    private readonly settings: ModelSettings,
    private readonly now: CurrentGlossaries,
    private readonly asker: GlossaryAsker,
  ) {}

  /** Tells when a making of this process has ended. @returns a function that ends the listening */
  onEnd(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Claims what is wanted and begins to make it; resolves as soon as that is begun, and never rejects. */
  async begin(): Promise<void> {
    const free = AT_ONCE - this.running.size;
    if (this.stopped || free <= 0) return;
    try {
      for (const claim of await this.makings.claim(this.now.recipe, free)) this.run(claim);
    } catch (error) {
      this.logger.warn('wanted glossaries cannot be claimed', { reason: (error as Error).message });
    }
  }

  /** Resolves when nothing is being made here any more. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  onModuleDestroy(): void {
    this.stopped = true;
  }

  /** What is under way gets the same grace as requests. Then it is given back, and another process makes it. */
  async beforeApplicationShutdown(): Promise<void> {
    const grace = new AbortController();
    const over = this.clock.sleep(this.config.http.shutdownGraceSeconds * 1000, grace.signal).catch(() => undefined);
    await Promise.race([this.idle(), over]);
    grace.abort();
    this.leaving.abort();
    await this.idle();
  }

  private run(claim: MakingClaim): void {
    const work = this.leases
      .runWithLease(claim, (lease) => this.make(claim, AbortSignal.any([lease.signal, this.leaving.signal])))
      .catch((error: unknown) => this.giveUp(claim, error))
      .finally(() => {
        this.running.delete(work);
        for (const listener of this.listeners) listener();
        void this.begin();
      });
    this.running.add(work);
  }

  private async make(claim: MakingClaim, signal: AbortSignal): Promise<void> {
    const { tag } = claim.row;
    if (!(await this.makings.begin(claim))) {
      await this.makings.rest(claim, 'the tries of the day are used up');
      return;
    }
    const older = await this.older(tag);
    const tried = await this.asker.ask({ tag, english: this.settings.glossaries.english.glossary, older }, signal);
    switch (tried.kind) {
      case 'made':
        await this.database.transaction(async (tx) => {
          const { version, words } = tried;
          await this.versions.keep(tx, { tag, version, origin: 'made', state: 'machine', words });
          await this.makings.made(tx, claim, version);
        });
        this.logger.log('a glossary was made', { tag, version: tried.version });
        return;
      case 'failed':
        await this.makings.rest(claim, tried.reason);
        return;
      case 'not_now':
        await this.makings.giveBack(claim, tried.reason, tried.afterSeconds);
    }
  }

  private async older(tag: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const version = await this.makings.olderVersion(tag, this.now.recipe);
    const found = version === null ? null : await this.versions.read(tag, version);
    return found === null ? undefined : (JSON.parse(found.words) as Readonly<Record<string, unknown>>);
  }

  /** Leaves the row to others: at once when this process ends, later when it has a fault. A lost lease is theirs already. */
  private async giveUp(claim: MakingClaim, error: unknown): Promise<void> {
    if (error instanceof LeaseLostError) return countLostLease('glossary');
    const left = this.leaving.signal.aborted && error instanceof OpenAiError && error.kind === 'aborted';
    if (!left) this.logger.error('the making of a glossary was interrupted', { reason: (error as Error).message });
    // Only after an orderly end the try counts as none; a fault of ours that repeats must not ask for ever.
    if (left) await this.makings.giveBack(claim, 'the process ended', 0).catch(() => undefined);
    else await this.makings.postpone(claim, AFTER_FAULT_SECONDS).catch(() => undefined);
  }
}
