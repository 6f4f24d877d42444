import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { InjectRepository } from '@nestjs/typeorm';
import { Raw, type Repository } from 'typeorm';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { newId } from '../common/ids.js';
import { Worker } from './worker.entity.js';

/** The database's clock is used, because the clocks of the machines may differ by more than a beat. */
const NOW = () => 'now()';

/** Keeps this process's row in the table of workers, so that /ready and operators see which processes do the work. */
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
    // The scheduler stops later than this: a row written now would look like a worker for another minute.
    if (this.stopped) return;
    try {
      await this.beat();
      await this.workers.delete({ beatAt: Raw((beat) => `${beat} < now() - interval '1 day'`) });
    } catch (error) {
      this.logger.warn('the beat of this worker could not be written', { reason: (error as Error).message });
    }
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    // If the database is the reason for the shutdown, the row becomes old by itself.
    await this.workers.delete({ id: this.id }).catch(() => undefined);
  }

  private async beat(): Promise<void> {
    const { affected } = await this.workers.update({ id: this.id }, { beatAt: NOW });
    if (affected !== 0) return;
    // This is the first beat, or the first after a day without the database in which other processes removed the row.
    await this.workers.insert({ id: this.id, role: this.config.role, startedAt: NOW, beatAt: NOW });
  }
}
