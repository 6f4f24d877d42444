import { Inject, Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Clock } from '../../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { Database } from '../../database/database.service.js';
import { ModelSettings } from '../../describe/model-settings.js';
import { ModelQueueStore } from '../shards/model-queue-store.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import { isPaused } from '../../jobs/job-pause.js';
import { JobReader } from '../../jobs/job-reader.js';
import { ShardStore, type ShardClaim } from '../shards/shard-store.js';
import { isTerminal } from '../../jobs/states.js';
import type { UpstreamBatch } from '../../openai/batches-api.js';
import { OpenAiError } from '../../openai/errors.js';
import { ModelCheck } from '../../openai/model-check.js';
import { OpenAiClient } from '../../openai/openai-client.js';
import { AwaitedWords, WAITING_FOR_WORDS, WORDS_SECONDS } from '../limits/awaited-words.js';
import { CostGuard, WAITING_FOR_COSTS, type HeldLots } from '../limits/cost-guard.js';
import { Deadlines } from '../limits/deadlines.js';
import { QueueTroubles } from '../limits/queue-troubles.js';
import { RequestFile, type FileFacts } from '../lines/request-file.js';
import { ShardEnd } from '../shards/shard-end.js';
import { shardLots } from '../shards/shard-lots.js';
import { EVERY_SECOND, ScheduledStage } from './scheduled-stage.js';
import { EarlierBatches } from '../shards/earlier-batches.js';
import { metadataOf, requestFileName, submissionKey } from './submission.js';
import { TokenLedger } from '../limits/token-ledger.js';

/** Enough for an upload of 190 MB over a slow line. */
const UPLOAD_MS = 30 * 60_000;
const DELETE_MS = 60_000;

/** Sends a shard as an OpenAI batch, once: after a crash, its row says whether it may have been sent. */
@Injectable()
export class SubmitStage extends ScheduledStage {
  readonly name = 'submit';
  readonly atOnce = 4;
  private readonly logger = new Logger(SubmitStage.name);

  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly openai: OpenAiClient,
    private readonly models: ModelCheck,
    private readonly settings: ModelSettings,
    private readonly ledger: TokenLedger,
    private readonly queues: ModelQueueStore,
    private readonly file: RequestFile,
    private readonly jobReader: JobReader,
    private readonly shards: ShardStore,
    private readonly end: ShardEnd,
    private readonly deadlines: Deadlines,
    private readonly troubles: QueueTroubles,
    private readonly costs: CostGuard,
    private readonly words: AwaitedWords,
    private readonly earlier: EarlierBatches,
  ) {
    super();
  }

  @Cron(EVERY_SECOND, { name: 'batch-submit', waitForCompletion: true })
  tick(): Promise<void> {
    return this.claimDue();
  }

  claim(limit: number): Promise<ShardClaim[]> {
    return this.shards.claim(['queued'], limit);
  }

  async run(claim: ShardClaim, signal: AbortSignal): Promise<void> {
    const { row } = claim;
    const job = await this.jobReader.forShard(row.job_id);
    if (job === undefined || isTerminal(job.status)) return this.end.abandon(claim);
    if (isPaused(job)) return this.shards.putAside(this.database, claim);
    // Past the deadline, ShardEnd asks for what is left through the Responses API.
    if (this.deadlines.batchesAreOver(job)) return this.end.finish(claim, job);
    // No model is asked: its lots wait for words, or are completed with what has come.
    if (row.stage === 'translation' && this.settings.forJob(job.options).toTranslate(job.languages).length === 0) {
      return this.end.finish(claim, job, true);
    }
    // Notes are judged by the words of their language, so they are asked for when these are there.
    if (row.stage === 'translation' && (await this.words.isAwaited(job))) {
      return this.wait(claim, WAITING_FOR_WORDS, WORDS_SECONDS);
    }
    const model = this.settings.modelOf(row.stage);
    const upstream = this.openai.fingerprint();
    const { acceptsBatch, state } = await this.models.modelState(model);
    if (!acceptsBatch) return this.troubles.modelUnavailable(claim, upstream, model, state);
    const all = shardLots(row);
    // Nothing is left to send: all its lots have ended or moved on.
    if ((await this.file.estimate(all, job)) === 0) return this.end.finish(claim, job);
    const room = await this.costs.hold(claim, job);
    if (room.kind === 'wait') return this.wait(claim, WAITING_FOR_COSTS, this.config.batch.pollIntervalSeconds);
    // The lots are asked for one by one; those that the limit has no room for fail with that reason.
    if (room.kind === 'over') return this.end.finish(claim, job, true);
    const held = room.kind === 'held' ? room.held : null;
    const last = held?.splitAt == null ? all.last : held.splitAt - 1;
    const tokens = await this.file.estimate({ ...all, last }, job);
    // Reading and pricing a large shard takes a while.
    if (await this.jobReader.isPaused(row.job_id)) return this.wait(claim, row.reason, 0);
    const admission = await this.ledger.admit(claim, upstream, model, tokens);
    if (admission.kind === 'wait') return this.wait(claim, admission.reason, admission.seconds);
    const { submission } = admission;
    const submitting: ShardClaim = { ...claim, row: { ...row, status: 'submitting', model, upstream, submission } };
    await this.send(submitting, job, { tokens: admission.tokenBudget, held }, signal);
  }

  giveUp(claim: ShardClaim): Promise<void> {
    return this.end.giveUp(claim);
  }

  /** Nothing is sent yet, so what was held for this shard is free for other shards of the job. */
  private async wait(claim: ShardClaim, reason: string | null, seconds: number): Promise<void> {
    await this.database.transaction(async (tx) => {
      await this.shards.letGo(tx, claim, { reason }, seconds);
      await this.costs.giveBack(tx, claim);
    });
  }

  private async send(
    claim: ShardClaim,
    job: ShardJob,
    { tokens, held }: { readonly tokens: number | null; readonly held: HeldLots | null },
    signal: AbortSignal,
  ): Promise<void> {
    const key = submissionKey(claim.row);
    const facts: FileFacts = { lines: 0, bytes: 0, tokens: 0, splitAt: null };
    let fileId: string;
    try {
      if (await this.earlier.adopt(claim, job, signal)) return;
      const limits = { tokens, before: held?.splitAt ?? null, room: held?.room ?? null };
      const source = () => this.file.write(shardLots(claim.row), job, limits, facts);
      const call = { deadlineAt: this.clock.now() + UPLOAD_MS, signal };
      fileId = (await this.openai.files.uploadBatchInput(requestFileName(key), source, call)).id;
    } catch (error) {
      if (signal.aborted || !(error instanceof OpenAiError) || error.kind === 'aborted') throw error;
      // Without its file no batch can exist, so it was certainly not sent.
      return this.troubles.notSent(claim, error);
    }
    if (facts.lines === 0) return this.troubles.nothingToSend(claim, fileId);
    if (await this.jobReader.isPaused(claim.row.job_id)) {
      await this.troubles.holdBack(claim);
      // If this fails, the file is removed like that of a process that died before it wrote down its id.
      return this.openai.files.deleteFile(fileId, { deadlineAt: this.clock.now() + DELETE_MS, signal });
    }
    await this.database.transaction(async (tx) => {
      if (facts.splitAt !== null) {
        await this.shards.insert(tx, {
          jobId: claim.row.job_id,
          stage: claim.row.stage,
          first: facts.splitAt,
          last: claim.row.last_position,
          attempt: claim.row.attempt,
          keyId: claim.row.key_id,
          model: claim.row.model,
          status: 'queued',
        });
      }
      // The lease starts over here, so that the POST's deadline comes before the lease's end.
      await this.shards.step(tx, claim, {
        input_file_id: fileId,
        input_bytes: facts.bytes,
        request_total: facts.lines,
        estimated_tokens: facts.tokens,
        submitted_at: this.clock.date(),
        ...(facts.splitAt === null ? {} : { last_position: facts.splitAt - 1 }),
      });
      if (held !== null) await this.costs.trim(tx, claim, held, facts.splitAt);
    });
    signal.throwIfAborted();
    await this.create(claim, key, fileId, signal);
  }

  private async create(claim: ShardClaim, key: string, inputFileId: string, signal: AbortSignal): Promise<void> {
    const deadlineAt = this.clock.now() + (claim.leaseSeconds * 1000) / 2;
    let batch: UpstreamBatch;
    try {
      const metadata = metadataOf(claim.row, key);
      batch = await this.openai.batches.createBatch({ inputFileId, metadata }, { deadlineAt, signal });
    } catch (error) {
      if (!(error instanceof OpenAiError)) throw error;
      if (error.notCreated) return this.troubles.notSent(claim, error);
      this.logger.warn('a batch may or may not have been created; it will be looked for', {
        job_id: claim.row.job_id,
        kind: error.kind,
        status: error.status,
      });
      // It stays `submitting`: the watch stage finds the batch, or proves that there is none.
      return this.shards.letGo(this.database, claim, {}, 1);
    }
    await this.shards.letGo(
      this.database,
      claim,
      { status: 'watching', batch_id: batch.id, upstream_status: batch.status },
      Math.min(1, this.config.batch.pollIntervalSeconds),
    );
    await this.queues.resume(claim.row.upstream ?? '', claim.row.model);
  }
}
