import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { ModelQueueStore } from '../shards/model-queue-store.js';
import { showWaiting, type WaitingBatches } from './queue-metrics.js';
import { TOKEN_LIMIT_EXCEEDED, WAITING_FOR_PLACE, WAITING_FOR_TOKENS } from './token-ledger.js';

/**
 * Users report queues that stay full although nothing is running. After this time only OpenAI's support, or a higher
 * tier, can help.
 */
const LONG_WAIT_S = 2 * 3600;
const REPEAT_MS = 3_600_000;

/** Shows which batches wait for OpenAI's queue, and logs an error when they have waited for hours. */
@Injectable()
export class QueueWatch {
  private readonly logger = new Logger(QueueWatch.name);
  private readonly saidAt = new Map<string, number>();

  constructor(
    private readonly clock: Clock,
    private readonly queues: ModelQueueStore,
  ) {}

  async look(): Promise<void> {
    const waiting = await this.queues.waiting({
      place: [WAITING_FOR_PLACE],
      tokens: [WAITING_FOR_TOKENS, TOKEN_LIMIT_EXCEEDED],
    });
    showWaiting(waiting);
    for (const row of waiting) this.alert(row);
  }

  private alert({ model, waitsFor, batches, oldestSeconds }: WaitingBatches): void {
    // A place becomes free when another batch ends, and a large job is meant to wait for that.
    if (waitsFor === 'place' || oldestSeconds < LONG_WAIT_S) return;
    const about = `${model} ${waitsFor}`;
    const now = this.clock.now();
    if (now < (this.saidAt.get(about) ?? -Infinity) + REPEAT_MS) return;
    this.saidAt.set(about, now);
    this.logger.error('batches have waited for OpenAI for hours; an operator must look', {
      model,
      waits_for: waitsFor,
      batches,
      oldest_seconds: Math.round(oldestSeconds),
    });
  }
}
