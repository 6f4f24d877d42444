import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Clock } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database } from '../../database/database.service.js';
import { Leases } from '../../database/leases.service.js';
import { BatchHints } from '../shards/batch-hints.js';
import { ShardStore } from '../shards/shard-store.js';
import { CheckPhotosStage } from './check-photos.stage.js';
import { DirectStage } from './direct.stage.js';
import { FileRemovalStage } from './file-removal.stage.js';
import type { Stage } from './stage.js';
import { StageLoop } from './stage-loop.js';
import { SubmitStage } from './submit.stage.js';
import { TakeInStage } from './take-in.stage.js';
import { WatchStage } from './watch.stage.js';

const EVERY_SECOND = '* * * * * *';

/** What every stage's cron needs. */
@Injectable()
export class StageRunner {
  constructor(
    @Inject(APP_CONFIG) readonly config: AppConfig,
    readonly clock: Clock,
    readonly database: Database,
    readonly leases: Leases,
    readonly shards: ShardStore,
    readonly hints: BatchHints,
  ) {}
}

/** A stage that looks for work every second, and at once when this process knows of some. */
abstract class StageCron implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger(StageCron.name);
  private readonly loop: StageLoop;
  private unsubscribe: (() => void) | undefined;
  private stopped = false;

  constructor(
    private readonly runner: StageRunner,
    private readonly stage: Stage,
  ) {
    const { leases, shards, database, hints } = runner;
    this.loop = new StageLoop(stage, leases, shards, database, () => hints.wake());
  }

  onApplicationBootstrap(): void {
    // Not awaited: run() handles its errors itself.
    this.unsubscribe = this.runner.hints.onWake(() => void this.run());
  }

  /** A tick may begin after this (the scheduler stops later), and must find the loop stopped. */
  onModuleDestroy(): void {
    this.stopped = true;
    this.unsubscribe?.();
    this.loop.stop();
  }

  /** What is under way gets the same grace as requests; its row is handed back or its lease runs out. */
  async beforeApplicationShutdown(): Promise<void> {
    const grace = new AbortController();
    const { clock, config } = this.runner;
    const over = clock.sleep(config.http.shutdownGraceSeconds * 1000, grace.signal).catch(() => undefined);
    await Promise.race([this.loop.idle(), over]);
    grace.abort();
  }

  protected async run(): Promise<void> {
    const { role } = this.runner.config;
    if (this.stopped || (role !== 'worker' && role !== 'all')) return;
    try {
      await this.loop.fill();
    } catch (error) {
      this.logger.warn('a stage cannot claim', { stage: this.stage.name, reason: (error as Error).message });
    }
  }
}

@Injectable()
export class CheckPhotosCron extends StageCron {
  constructor(runner: StageRunner, stage: CheckPhotosStage) {
    super(runner, stage);
  }

  @Cron(EVERY_SECOND, { name: 'batch-photos', waitForCompletion: true })
  tick(): Promise<void> {
    return this.run();
  }
}

@Injectable()
export class SubmitCron extends StageCron {
  constructor(runner: StageRunner, stage: SubmitStage) {
    super(runner, stage);
  }

  @Cron(EVERY_SECOND, { name: 'batch-submit', waitForCompletion: true })
  tick(): Promise<void> {
    return this.run();
  }
}

@Injectable()
export class WatchCron extends StageCron {
  constructor(runner: StageRunner, stage: WatchStage) {
    super(runner, stage);
  }

  @Cron(EVERY_SECOND, { name: 'batch-watch', waitForCompletion: true })
  tick(): Promise<void> {
    return this.run();
  }
}

@Injectable()
export class TakeInCron extends StageCron {
  constructor(runner: StageRunner, stage: TakeInStage) {
    super(runner, stage);
  }

  @Cron(EVERY_SECOND, { name: 'batch-take-in', waitForCompletion: true })
  tick(): Promise<void> {
    return this.run();
  }
}

@Injectable()
export class DirectCron extends StageCron {
  constructor(runner: StageRunner, stage: DirectStage) {
    super(runner, stage);
  }

  @Cron(EVERY_SECOND, { name: 'batch-direct', waitForCompletion: true })
  tick(): Promise<void> {
    return this.run();
  }
}

@Injectable()
export class FileRemovalCron extends StageCron {
  constructor(runner: StageRunner, stage: FileRemovalStage) {
    super(runner, stage);
  }

  @Cron(EVERY_SECOND, { name: 'batch-file-removal', waitForCompletion: true })
  tick(): Promise<void> {
    return this.run();
  }
}
