import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { newId } from '../common/ids.js';
import { Database } from '../database/database.service.js';

/** A worker whose beat is older is taken for dead. */
export const BEAT_LIMIT_SECONDS = 60;

/** Writes this process's row in `workers`, so that /ready and operators see who does the background work. */
@Injectable()
export class WorkerBeat implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(WorkerBeat.name);
  readonly id = newId();

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly database: Database,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (this.works()) await this.beat();
  }

  @Cron('*/15 * * * * *', { name: 'worker-beat', waitForCompletion: true })
  async tick(): Promise<void> {
    if (!this.works()) return;
    try {
      await this.beat();
    } catch (error) {
      this.logger.warn('worker beat failed', { reason: (error as Error).message });
    }
  }

  async onModuleDestroy(): Promise<void> {
    if (!this.works()) return;
    // The database may be the reason for the end; the row then goes stale by itself.
    await this.database.execute('delete from workers where id = $1', [this.id]).catch(() => 0);
  }

  private works(): boolean {
    return this.config.role === 'worker' || this.config.role === 'all';
  }

  private async beat(): Promise<void> {
    await this.database.execute(
      `insert into workers (id, role, started_at, beat_at) values ($1, $2, now(), now())
       on conflict (id) do update set beat_at = now()`,
      [this.id, this.config.role],
    );
    await this.database.execute(`delete from workers where beat_at < now() - interval '1 day'`);
  }
}
