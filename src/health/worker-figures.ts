import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ScrapedValue } from '../common/scraped-value.js';
import { showWorkers, type WorkerBeats } from './worker-metrics.js';
import { WorkerPresence } from './worker-presence.js';

/** Shows in the metrics whether any process does the background work. */
@Injectable()
export class WorkerFigures extends ScrapedValue<WorkerBeats> implements OnModuleInit {
  constructor(private readonly workers: WorkerPresence) {
    super();
  }

  onModuleInit(): void {
    showWorkers(() => this.get());
  }

  protected look(): Promise<WorkerBeats> {
    return this.workers.beats();
  }
}
