import { Inject, Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Clock } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database } from '../../database/database.service.js';
import { ShardFileStore } from '../shards/shard-file-store.js';
import { ShardStore, type ShardChanges, type ShardClaim } from '../shards/shard-store.js';
import { isTerminalBatch } from '../../openai/batches-api.js';
import { OpenAiError } from '../../openai/errors.js';
import { OpenAiClient } from '../../openai/openai-client.js';
import { EVERY_SECOND, ScheduledStage } from './scheduled-stage.js';

const CALL_MS = 60_000;
/** After a failure the wait is this share of the time since the shard ended, at most six hours. */
const AGE_SHARE = 1 / 4;
const LONGEST_WAIT_S = 6 * 3600;

/**
 * Deletes the files of ended shards at OpenAI: they contain clients' texts and count against the project's storage.
 * It claims ended shards that still have file ids, so files that a dead process did not delete are found again.
 */
@Injectable()
export class FileRemovalStage extends ScheduledStage {
  readonly name = 'file-removal';
  /** A small number: no client waits for this, and taking in results shares OpenAI's rate limit. */
  readonly atOnce = 2;
  private readonly logger = new Logger(FileRemovalStage.name);

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly openai: OpenAiClient,
    private readonly files: ShardFileStore,
    private readonly shards: ShardStore,
  ) {
    super();
  }

  @Cron(EVERY_SECOND, { name: 'batch-file-removal', waitForCompletion: true })
  tick(): Promise<void> {
    return this.claimDue();
  }

  claim(limit: number): Promise<ShardClaim[]> {
    const endedBefore = new Date(this.clock.now() - this.config.batch.keepFilesSeconds * 1000);
    return this.files.claimSpent(this.openai.fingerprint(), endedBefore, limit);
  }

  async run(claim: ShardClaim, signal: AbortSignal): Promise<void> {
    try {
      const row = { ...claim.row, ...(await this.ending(claim, signal)) };
      if (row.batch_id !== null && !isTerminalBatch(row.upstream_status)) {
        // The batch was given up but is still running: without its input it might fail, and its output is yet to come.
        return await this.shards.letGo(this.database, claim, {}, this.wait(claim));
      }
      for (const id of new Set([row.input_file_id, row.output_file_id, row.error_file_id])) {
        if (id !== null) await this.openai.files.deleteFile(id, this.limits(signal));
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof OpenAiError)) throw error;
      this.logger.warn('the files of a shard could not be deleted yet', {
        job_id: claim.row.job_id,
        kind: error.kind,
        code: error.code,
      });
      return this.shards.letGo(this.database, claim, {}, this.wait(claim));
    }
    await this.shards.letGo(this.database, claim, { input_file_id: null, output_file_id: null, error_file_id: null });
  }

  /** Forgets the files: they expire at OpenAI by themselves. */
  giveUp(claim: ShardClaim): Promise<void> {
    return this.shards.letGo(this.database, claim, { input_file_id: null, output_file_id: null, error_file_id: null });
  }

  /** Looks up how the batch ended if the shard did not wait for its end; empty when that is known already. */
  private async ending(claim: ShardClaim, signal: AbortSignal): Promise<ShardChanges> {
    const { batch_id: id, upstream_status } = claim.row;
    if (id === null || isTerminalBatch(upstream_status)) return {};
    try {
      const batch = await this.openai.batches.retrieveBatch(id, this.limits(signal));
      const changes = {
        upstream_status: batch.status.slice(0, 64),
        output_file_id: batch.outputFileId ?? null,
        error_file_id: batch.errorFileId ?? null,
      };
      // Written before anything is deleted, so that a kill in between does not lose the ids.
      await this.shards.step(this.database, claim, changes);
      return changes;
    } catch (error) {
      if (!(error instanceof OpenAiError && error.status === 404)) throw error;
      return { batch_id: null };
    }
  }

  /**
   * Seconds to wait after a failure: a quarter of the time since the shard ended, at most 6 h. The waits grow, so that
   * a missing permission does not cause thousands of requests.
   */
  private wait({ row }: ShardClaim): number {
    const age = (this.clock.now() - (row.finished_at?.getTime() ?? this.clock.now())) / 1000;
    return Math.max(this.config.batch.pollIntervalSeconds, Math.min(LONGEST_WAIT_S, age * AGE_SHARE));
  }

  private limits(signal: AbortSignal) {
    return { deadlineAt: this.clock.now() + CALL_MS, signal };
  }
}
