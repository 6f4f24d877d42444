import { Injectable } from '@nestjs/common';
import { estimateLot } from '../assessment/estimate.js';
import { isEnglish } from '../assessment/languages.js';
import { Database } from '../database/database.service.js';
import { ModelSettings } from '../generation/describe/model-settings.js';
import { STAGE_STATUS } from '../jobs/shard-lot-store.js';
import type { ShardClaim, ShardJob } from '../jobs/shard-store.js';
import type { ModelStage } from '../jobs/states.js';

/** Lots by the stage that is still to be paid for. */
type LotCounts = Readonly<Record<ModelStage, number>>;

/** Keeps a job within `max_cost_usd`: the estimate at its intake may have been too low, and second tries cost again. */
@Injectable()
export class CostGuard {
  constructor(
    private readonly database: Database,
    private readonly settings: ModelSettings,
  ) {}

  /**
   * Whether a shard may go as a batch: what is spent, what the job's batches under way will cost, and this one.
   * Each lot counts by the estimate of the intake, so a job that costs what was foreseen is never stopped.
   */
  async affordsBatch({ row }: ShardClaim, job: ShardJob): Promise<boolean> {
    const limit = job.options.max_cost_usd;
    if (limit === undefined) return true;
    const [sums] = await this.database.query<LotCounts & { photos: number }>(
      `select j.total_images::float8 / j.total_lots as photos,
         coalesce(sum(b.request_total) filter (where b.stage = 'vision'), 0)::int as vision,
         coalesce(sum(b.request_total) filter (where b.stage = 'translation'), 0)::int as translation
       from batch_jobs j left join openai_batches b on b.job_id = j.id and b.status in ('submitting', 'watching')
       where j.id = $1 group by j.id`,
      [job.id],
    );
    if (sums === undefined) return false;
    const [own] = await this.database.query<{ lots: number }>(
      `select count(*)::int as lots from batch_lots
       where job_id = $1 and position between $2 and $3 and attempt = $4 and status = $5`,
      [job.id, row.first_position, row.last_position, row.attempt, STAGE_STATUS[row.stage]],
    );
    const lots = { vision: sums.vision, translation: sums.translation };
    lots[row.stage] += own?.lots ?? 0;
    return job.costUsd + this.estimate(lots, sums.photos, job.languages) <= limit;
  }

  private estimate(lots: LotCounts, photos: number, languages: readonly string[]): number {
    const others = languages.filter((language) => !isEnglish(language)).length;
    const settings = this.settings.estimate(true);
    const vision = estimateLot(photos, 0, 0, settings).costUsd ?? 0;
    const both = estimateLot(photos, 0, others, settings).costUsd ?? 0;
    return lots.vision * vision + lots.translation * (both - vision);
  }
}
