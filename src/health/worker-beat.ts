import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { newId } from '../common/ids.js';
import { WorkerStore } from './worker-store.js';

/** A worker whose beat is older is taken for dead. */
export const BEAT_LIMIT_SECONDS = 60;

/** Keeps this process's row among the workers, so that /ready and operators see who does the background work. */
@Injectable()
export class WorkerBeat implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(WorkerBeat.name);
  readonly id = newId();

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly workers: WorkerStore,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (this.works()) await this.workers.beat(this.id, this.config.role);
  }

  @Cron('*/15 * * * * *', { name: 'worker-beat', waitForCompletion: true })
  async tick(): Promise<void> {
    if (!this.works()) return;
    try {
      await this.workers.beat(this.id, this.config.role);
    } catch (error) {
      this.logger.warn('worker beat failed', { reason: (error as Error).message });
    }
  }

  async onModuleDestroy(): Promise<void> {
    if (!this.works()) return;
    // The database may be the reason for the end; the row then goes stale by itself.
    await this.workers.remove(this.id).catch(() => undefined);
  }

  private works(): boolean {
    return this.config.role === 'worker' || this.config.role === 'all';
  }
}
