import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { InjectRepository } from '@nestjs/typeorm';
import { Raw, type Repository } from 'typeorm';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { newId } from '../common/ids.js';
import { Worker } from './worker.entity.js';

/** The database's clock: those of the processes' machines may differ by more than a beat. */
const NOW = () => 'now()';

/** Keeps this process's row among the workers, so that /ready and operators see who does the background work. */
@Injectable()
export class WorkerBeat implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(WorkerBeat.name);
  readonly id = newId();
  private stopped = false;

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    @InjectRepository(Worker) private readonly workers: Repository<Worker>,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.beat();
  }

  @Cron('*/15 * * * * *', { name: 'worker-beat', waitForCompletion: true })
  async tick(): Promise<void> {
    // The scheduler stops later than this does: a row written now would pass for a worker for a minute.
    if (this.stopped) return;
    try {
      await this.beat();
      await this.workers.delete({ beatAt: Raw((beat) => `${beat} < now() - interval '1 day'`) });
    } catch (error) {
      this.logger.warn('worker beat failed', { reason: (error as Error).message });
    }
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    // The database may be the reason for the end; the row then goes stale by itself.
    await this.workers.delete({ id: this.id }).catch(() => undefined);
  }

  private async beat(): Promise<void> {
    const { affected } = await this.workers.update({ id: this.id }, { beatAt: NOW });
    if (affected !== 0) return;
    // The first beat, or the first after a day in which the database could not be reached and others removed the row.
    await this.workers.insert({ id: this.id, role: this.config.role, startedAt: NOW, beatAt: NOW });
  }
}
