import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database } from '../../database/database.service.js';
import { JobReader } from '../../jobs/job-reader.js';
import { ShardStore, type ShardClaim } from './shard-store.js';
import { isTerminal } from '../../jobs/states.js';
import type { UpstreamBatch } from '../../openai/batches-api.js';
import { OpenAiClient } from '../../openai/openai-client.js';
import { CostGuard } from '../limits/cost-guard.js';
import { ShardEnd } from './shard-end.js';
import { submissionKey } from '../stages/submission.js';

/** OpenAI's clock and ours are assumed to differ by less than this. */
export const CLOCK_SLACK_MS = 10 * 60_000;
const CALL_MS = 60_000;
/** How often a batch is looked for within the grace time when it is unknown whether it was created. */
const LOOKS_IN_GRACE = 10;

/** Finds out whether a shard that was being submitted has a batch. This must never be guessed. */
@Injectable()
export class UncertainSubmissions {
  private readonly logger = new Logger(UncertainSubmissions.name);

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly openai: OpenAiClient,
    private readonly jobReader: JobReader,
    private readonly shards: ShardStore,
    private readonly end: ShardEnd,
    private readonly costs: CostGuard,
  ) {}

  /**
   * Adopts the batch of a `submitting` shard, waits for it, or proves that there is none and queues the shard again.
   */
  async settle(claim: ShardClaim, signal: AbortSignal): Promise<void> {
    const { row } = claim;
    // The file's id is committed before the POST is sent: without it nothing was sent.
    if (row.input_file_id === null || row.submitted_at === null) return this.requeue(claim);
    const found = await this.look(claim, signal);
    if (found !== undefined) return this.adopt(claim, found);
    const graceMs = this.config.batch.submitGraceSeconds * 1000;
    if (this.clock.now() < row.submitted_at.getTime() + graceMs) {
      return this.shards.letGo(this.database, claim, {}, Math.max(0.2, graceMs / 1000 / LOOKS_IN_GRACE));
    }
    // A create request that is still delayed somewhere fails from here on, because its file is gone. Then look a last
    // time.
    await this.openai.files.deleteFile(row.input_file_id, this.limits(signal));
    const late = await this.look(claim, signal);
    if (late !== undefined) return this.adopt(claim, late);
    await this.requeue(claim);
  }

  /**
   * Lists until a whole page is older than the submission. If there are two batches, the older is kept, the other
   * cancelled.
   */
  private async look(claim: ShardClaim, signal: AbortSignal): Promise<UpstreamBatch | undefined> {
    const { row } = claim;
    const key = submissionKey(row);
    const oldest = (row.submitted_at?.getTime() ?? 0) - CLOCK_SLACK_MS;
    const found: UpstreamBatch[] = [];
    for await (const page of this.openai.batches.listBatches(this.limits(signal))) {
      found.push(...page.filter((batch) => batch.metadata['key'] === key || batch.inputFileId === row.input_file_id));
      if (page.every((batch) => batch.createdAt !== undefined && batch.createdAt.getTime() < oldest)) break;
    }
    // The list has the newest first and times in whole seconds: of two with equal times the later in the list is older.
    found.reverse();
    found.sort((a, b) => (a.createdAt?.getTime() ?? 0) - (b.createdAt?.getTime() ?? 0));
    const [kept, ...others] = found;
    for (const other of others) {
      if (other.terminal) continue;
      this.logger.error('a second batch of one submission is cancelled', { job_id: row.job_id, batch_id: other.id });
      await this.openai.batches.cancelBatch(other.id, this.limits(signal));
    }
    return kept;
  }

  private async adopt(claim: ShardClaim, batch: UpstreamBatch): Promise<void> {
    this.logger.log('a batch whose creation was uncertain was found', { job_id: claim.row.job_id, batch_id: batch.id });
    await this.shards.letGo(this.database, claim, {
      status: 'watching',
      batch_id: batch.id,
      upstream_status: batch.status,
    });
  }

  private async requeue(claim: ShardClaim): Promise<void> {
    const job = await this.jobReader.forShard(claim.row.job_id);
    if (job === undefined || isTerminal(job.status)) return this.end.abandon(claim);
    await this.database.transaction(async (tx) => {
      await this.shards.letGo(tx, claim, { status: 'queued', input_file_id: null });
      await this.costs.giveBack(tx, claim);
    });
  }

  private limits(signal: AbortSignal) {
    return { deadlineAt: this.clock.now() + CALL_MS, signal };
  }
}
