import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Leaving } from '../common/leaving.js';
import { RecentValue } from '../common/recent-value.js';
import { ServiceError } from '../common/service-error.js';
import type { LivenessDto, ReadinessDto } from './health.dto.js';
import { WorkerPresence } from './worker-presence.js';

/** One query serves all probes within this many milliseconds. */
const CACHE_MS = 1000;
const PING_TIMEOUT_MS = 3000;

@Injectable()
export class HealthService implements OnModuleDestroy {
  private draining = false;
  private readonly readiness = new RecentValue(CACHE_MS, () => this.look());

  constructor(
    private readonly workers: WorkerPresence,
    private readonly leaving: Leaving,
  ) {}

  onModuleDestroy(): void {
    this.draining = true;
  }

  alive(): LivenessDto {
    return { status: 'healthy', service: 'generation-service' };
  }

  /** @throws ServiceError SERVICE_UNAVAILABLE while the database is away or the process drains */
  async ready(): Promise<ReadinessDto> {
    if (this.draining || this.leaving.hasBegun) throw unavailable('The service is shutting down.');
    return this.readiness.get();
  }

  private async look(): Promise<ReadinessDto> {
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error('the database did not answer in time')), PING_TIMEOUT_MS);
      });
      const alive = await Promise.race([this.workers.look(), late]);
      return { status: 'ready', database: 'ok', worker: alive ? 'ok' : 'missing' };
    } catch (error) {
      throw unavailable('The database cannot be reached.', error);
    } finally {
      clearTimeout(timer);
    }
  }
}

function unavailable(message: string, cause?: unknown): ServiceError {
  return new ServiceError('SERVICE_UNAVAILABLE', message, { headers: { 'Retry-After': '5' }, cause });
}
