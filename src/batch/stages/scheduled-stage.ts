import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database } from '../../database/database.service.js';
import { Leases } from '../../database/leases.service.js';
import { BatchHints } from '../../common/work-hints.js';
import { JobAdvance } from '../shards/job-advance.js';
import { ShardStore, type ShardClaim } from '../shards/shard-store.js';
import type { Stage } from './stage.js';
import { StageLoop } from './stage-loop.js';

/** How often a stage's cron looks for work that no hint announced. */
export const EVERY_SECOND = '* * * * * *';

/** What each stage's loop needs. It is injected into the base class, so that no stage has to pass it on. */
@Injectable()
export class StageTools {
  constructor(
    @Inject(APP_CONFIG) readonly config: AppConfig,
    readonly clock: Clock,
    readonly database: Database,
    readonly leases: Leases,
    readonly shards: ShardStore,
    readonly hints: BatchHints,
    readonly advance: JobAdvance,
  ) {}
}

/**
 * A stage that looks for work whenever its cron ticks, and at once when this process has made some. Each stage has
 * its own `@Cron`, on a method that calls {@link ScheduledStage.claimDue}.
 */
export abstract class ScheduledStage
  implements Stage, OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown
{
  abstract readonly name: string;
  abstract readonly atOnce: number;
  @Inject(StageTools) private readonly tools: StageTools;
  private loop: StageLoop | undefined;
  private unsubscribe: (() => void) | undefined;
  private stopped = false;

  abstract claim(limit: number): Promise<ShardClaim[]>;
  abstract run(claim: ShardClaim, signal: AbortSignal): Promise<void>;
  abstract giveUp(claim: ShardClaim): Promise<void>;

  onApplicationBootstrap(): void {
    const { leases, shards, database, hints, advance } = this.tools;
    this.loop = new StageLoop(
      this,
      leases,
      shards,
      database,
      () => hints.wake(),
      (jobId) => advance.recount(jobId),
    );
    // Not awaited: claimDue() handles its errors itself.
    this.unsubscribe = hints.onWake(() => void this.claimDue());
  }

  /** The scheduler stops later than this, so a tick may still begin; it must find the loop stopped. */
  onModuleDestroy(): void {
    this.stopped = true;
    this.unsubscribe?.();
    this.loop?.stop();
  }

  /** Work under way gets the same grace as requests. After that its shard is given back, or the lease runs out. */
  async beforeApplicationShutdown(): Promise<void> {
    const grace = new AbortController();
    const { clock, config } = this.tools;
    const over = clock.sleep(config.http.shutdownGraceSeconds * 1000, grace.signal).catch(() => undefined);
    await Promise.race([this.loop?.idle(), over]);
    grace.abort();
  }

  /** Claims the shards that are due and starts the work on them; never rejects. */
  protected async claimDue(): Promise<void> {
    if (this.stopped) return;
    try {
      await this.loop?.fill();
    } catch (error) {
      new Logger(ScheduledStage.name).warn('a stage cannot claim', {
        stage: this.name,
        reason: (error as Error).message,
      });
    }
  }
}
