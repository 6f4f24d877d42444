import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { Database } from '../../database/database.service.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import type { UpstreamBatch } from '../../openai/batches-api.js';
import { OpenAiError } from '../../openai/errors.js';
import { OpenAiClient } from '../../openai/openai-client.js';
import { CLOCK_SLACK_MS } from './uncertain-submissions.js';
import { ShardStore, type ShardClaim } from './shard-store.js';
import { sameLotsPrefix } from '../stages/submission.js';

const CALL_MS = 60_000;

/**
 * Finds the batch of a shard that its row knows nothing of. That is so after the database was restored from a backup:
 * what was sent since then is in no row, but OpenAI has it and has billed it. Looked for before each submission, because
 * nobody tells the service that its database is an older one.
 */
@Injectable()
export class EarlierBatches {
  private readonly logger = new Logger(EarlierBatches.name);

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly openai: OpenAiClient,
    private readonly shards: ShardStore,
  ) {}

  /** @returns whether there was one; then the shard watches it @throws OpenAiError */
  async adopt(claim: ShardClaim, job: ShardJob, signal: AbortSignal): Promise<boolean> {
    const batch = await this.find(claim, job, signal).catch((error: unknown) => this.withoutList(error));
    if (batch === undefined) return false;
    this.logger.warn('a batch was found that the database did not know: it is watched, and nothing is sent', {
      job_id: job.id,
      batch_id: batch.id,
    });
    await this.shards.letGo(this.database, claim, {
      status: 'watching',
      batch_id: batch.id,
      upstream_status: batch.status.slice(0, 64),
      input_file_id: batch.inputFileId ?? null,
      request_total: batch.counts.total,
    });
    return true;
  }

  /** A server that refuses to list batches would never be sent any: what it has is not known then, as on a new installation. */
  private withoutList(error: unknown): undefined {
    if (!(error instanceof OpenAiError) || error.kind !== 'rejected') throw error;
    this.logger.warn('batches cannot be listed, so earlier ones are not looked for', { reason: error.kind });
  }

  /** Lists until a whole page is older than the job: one request, usually. Of several the newest is taken. */
  private async find(claim: ShardClaim, job: ShardJob, signal: AbortSignal): Promise<UpstreamBatch | undefined> {
    const prefix = sameLotsPrefix(claim.row);
    const oldest = job.createdAt.getTime() - CLOCK_SLACK_MS;
    const limits = { deadlineAt: this.clock.now() + CALL_MS, signal };
    for await (const page of this.openai.batches.listBatches(limits)) {
      const found = page.find((batch) => batch.metadata['key']?.startsWith(prefix) === true && mayHaveAnswers(batch));
      if (found !== undefined) return found;
      if (page.every((batch) => batch.createdAt !== undefined && batch.createdAt.getTime() < oldest)) return undefined;
    }
    return undefined;
  }
}

/** A batch that failed in validation, or was cancelled before anything ran, has none: its lots are sent again. */
function mayHaveAnswers({ status, outputFileId }: UpstreamBatch): boolean {
  return status !== 'failed' && (status !== 'cancelled' || outputFileId !== undefined);
}
