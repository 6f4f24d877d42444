import { Injectable } from '@nestjs/common';
import { JobPauses, type PauseOutcome } from '../batch/shards/job-pauses.js';
import { Clock } from '../common/clock.js';
import { newId } from '../common/ids.js';
import { ServiceError } from '../common/service-error.js';
import { Database, type Transaction } from '../database/database.service.js';
import { jobNotFinished } from '../generation/retry/retry-refusals.js';
import { RetryCreator } from '../generation/retry/retry-creator.js';
import type { RetryRequest } from '../generation/retry/retry-request.js';
import { idempotencyKeyExpiry } from '../jobs/idempotency-key.js';
import type { JobRecord } from '../jobs/job-columns.js';
import { JobReader } from '../jobs/job-reader.js';
import { Partitions, PartitionsRefusedError } from '../jobs/partitions.js';
import type { NewRequestKey } from '../jobs/request-key-store.js';
import { isTerminal } from '../jobs/states.js';
import { pauseOf } from '../polling/pause-body.js';
import { notPausable } from '../polling/pause-refusals.js';
import { DeliveriesService } from '../webhook/deliveries.service.js';
import type { Act, DryRetry, PartitionsAct, Warrant } from './command-line.js';
import { OperatorActStore } from './operator-act-store.js';
import { currentOperator } from './operator.js';
import type { Printed } from './readings.js';
import { line } from './table.js';
import { counted } from './wording.js';

/** What an act has done. */
interface Done {
  /** False for a repeat that found nothing to do. */
  readonly changed: boolean;
  readonly [member: string]: unknown;
}

/** What is said about it. */
type Told = readonly [done: Done, sentence: string];

/** The commands that change something: by the code of the API, on jobs of any key, each with a row that says who and why. */
@Injectable()
export class Acts {
  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly jobs: JobReader,
    private readonly record: OperatorActStore,
    private readonly pauses: JobPauses,
    private readonly retries: RetryCreator,
    private readonly deliveries: DeliveriesService,
    private readonly partitions: Partitions,
  ) {}

  /** @throws ServiceError when it is refused; what was refused is on record, unless there is no such job */
  async do(act: Act): Promise<Printed> {
    if (!('jobId' in act)) return this.recorded(act, null, {}, () => this.partition(act.name));
    const job = await this.jobs.find(act.jobId, null);
    switch (act.name) {
      case 'retry': {
        const { codes, lotIds } = act.request.choice;
        return this.recorded(act, job.id, { codes, lot_ids: lotIds }, () => this.retry(job, act.request));
      }
      case 'pause':
        return this.recorded(act, job.id, {}, () => this.pause(job, act.warrant));
      case 'resume':
        return this.recorded(act, job.id, {}, () => this.resume(job));
      case 'resend':
        return this.recorded(act, job.id, { delivery_id: act.deliveryId }, () => this.resend(job, act.deliveryId));
    }
  }

  /** What a retry would be. @throws ServiceError as {@link do} does */
  async estimate({ jobId, request }: DryRetry): Promise<Printed> {
    const job = await this.jobs.find(jobId, null);
    if (!isTerminal(job.status)) throw jobNotFinished(job);
    const { lots, estimated_cost_usd: cost, warnings } = await this.retries.estimate(job, request);
    const document = { act: 'retry', job_id: job.id, dry_run: true, lots, estimated_cost_usd: cost, warnings };
    const price = cost === null ? 'at a cost that is not known' : `for about ${cost.toFixed(4)} USD`;
    const said = warnings.map((warning) => `\n${line(warning)}`).join('');
    return { document, text: `A retry would take ${counted(lots, 'lot')} ${price}.${said}` };
  }

  private async retry(job: JobRecord, request: RetryRequest): Promise<Told> {
    if (!isTerminal(job.status)) throw jobNotFinished(job);
    // What is signed for the new job uses the secret of the old one.
    const [ended] = await this.jobs.ended([job.id]);
    if (ended === undefined) throw jobNotFinished(await this.jobs.find(job.id, null));
    const key = this.keyOf(job);
    await this.retries.create(job, request, ended, key);
    const retry = await this.jobs.find(key.jobId, job.keyId);
    return [
      { changed: true, retry_job_id: retry.id, lots: retry.totalLots, estimated_cost_usd: retry.estimatedCostUsd },
      `Job ${retry.id} tries ${counted(retry.totalLots, 'lot')} once more.`,
    ];
  }

  private async pause(job: JobRecord, { reason }: Warrant): Promise<Told> {
    const [changed, now] = await this.change(job, (tx) => this.pauses.pause(tx, job.id, { by: 'operator', reason }));
    const until = now.pause === undefined ? '' : ` It resumes by itself at ${now.pause.resumes_at}.`;
    return [
      { changed, ...now },
      `The job is paused by an operator${changed ? '' : ' already; the first reason stays'}.${until}`,
    ];
  }

  private async resume(job: JobRecord): Promise<Told> {
    const [changed, now] = await this.change(job, (tx) => this.pauses.resume(tx, job.id, 'operator'));
    const words = changed ? "The operator's pause is ended" : 'No operator has paused the job';
    return [{ changed, ...now }, `${words}; ${now.paused ? 'its client has paused it still' : 'it goes on'}.`];
  }

  private async change(job: JobRecord, change: (tx: Transaction) => Promise<PauseOutcome>) {
    const outcome = await this.database.transaction(change);
    const after = await this.jobs.find(job.id, job.keyId);
    if (outcome !== 'changed' && outcome !== 'unchanged') throw notPausable(after, outcome);
    return [outcome === 'changed', pauseOf(after)] as const;
  }

  private async resend(job: JobRecord, deliveryId: string | null): Promise<Told> {
    if (deliveryId === null) {
      const { answer } = await this.deliveries.replay(job.keyId, job.id, this.keyOf(job));
      const { deliveries } = answer;
      const again = deliveries === 1 ? 'is' : 'are';
      return [
        { changed: deliveries > 0, deliveries },
        deliveries === 0
          ? 'The job has no webhooks of its end.'
          : `${counted(deliveries, 'webhook')} of the job's end ${again} sent again, with the same ids.`,
      ];
    }
    const { answer } = await this.deliveries.retry(job.keyId, job.id, deliveryId, this.keyOf(job));
    return [{ changed: true, deliveries: 1, delivery_id: answer.id }, 'The webhook is sent again, with the same id.'];
  }

  private async partition(name: PartitionsAct['name']): Promise<Told> {
    const enables = name === 'partitions enable';
    const changes = enables ? await this.partitions.enable() : await this.partitions.disable();
    const held = changes.flatMap(({ heldMs }) => heldMs ?? []);
    const rows = changes.reduce((sum, each) => sum + each.rows, 0);
    const tables = changes.map(({ table, heldMs, rows: moved }) => ({ table, held_ms: heldMs, rows_moved: moved }));
    const changed = held.length > 0 || rows > 0;
    const now = `The tables of lots ${enables ? 'are partitioned by weeks' : 'are plain tables'}`;
    if (!changed) return [{ changed, tables }, `${now} already.`];
    const waited = held.length === 0 ? '' : ` Each was locked for at most ${Math.max(...held)} ms.`;
    return [{ changed, tables }, `${now} now.${rows === 0 ? '' : ` ${counted(rows, 'row')} moved.`}${waited}`];
  }

  /** Writes the row, does it, and writes what came of it: an act without a row is never done. */
  private async recorded(
    { name, warrant }: Act,
    jobId: string | null,
    options: Readonly<Record<string, unknown>>,
    work: () => Promise<Told>,
  ): Promise<Printed> {
    const by = warrant.by ?? currentOperator();
    const { reason } = warrant;
    const id = await this.record.begin({ operator: by, act: name, jobId, arguments: options, reason });
    try {
      const [done, sentence] = await work();
      await this.record.end(id, done);
      return {
        document: { act: name, ...(jobId !== null && { job_id: jobId }), ...done, audit: { id, by, reason } },
        text: `${sentence}\n${line(`On record as ${id}: ${by}, ${reason}`)}`,
      };
    } catch (error) {
      // An error of the database says nothing about what was committed, so the row stays without a result.
      if (error instanceof ServiceError || error instanceof PartitionsRefusedError)
        await this.record.end(id, { changed: false, refused: error.code });
      throw error;
    }
  }

  /** No repeat is looked for: what is safe to repeat is so by what it finds. */
  private keyOf(job: JobRecord): NewRequestKey {
    const id = newId();
    const expiresAt = idempotencyKeyExpiry(this.clock.now());
    return { keyId: job.keyId, kind: 'idempotency', value: `operator ${id}`, jobId: id, bodyHash: '', expiresAt };
  }
}
