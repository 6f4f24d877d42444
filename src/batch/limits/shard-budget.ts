import type { CallBounds, HeldCall } from '../../assessment/worst-case.js';
import type { Clock } from '../../common/clock.js';
import { overLimit, type Budget } from '../../describe/budget.js';
import type { CallLimits } from '../../openai/retry.js';
import type { ShardJob } from '../../jobs/job-columns.js';
import type { ShardClaim } from '../shards/shard-store.js';
import { WAITING_FOR_COSTS, type CostGuard } from './cost-guard.js';
import { NotNowError } from '../lines/not-now.js';

const LOOK_MS = 500;
/** Seconds until a shard is claimed again when its next lot had to wait. */
const AGAIN_SECONDS = 1;

/**
 * The budget of one lot that is asked for directly. Its first call waits until the calls under way have ended, and the
 * lot is put back meanwhile. Once a call of the lot is paid for, the lot keeps its place and waits for the next one:
 * starting over would mean paying again.
 */
export class ShardBudget implements Budget {
  private begun = false;

  constructor(
    private readonly costs: CostGuard,
    private readonly clock: Clock,
    private readonly claim: ShardClaim,
    private readonly job: ShardJob,
    private readonly limits: CallLimits,
    /** The expected cost of the lot's translation, in USD. */
    private readonly laterUsd: number,
  ) {}

  async hold(bounds: CallBounds, mayLower: boolean): Promise<HeldCall> {
    for (;;) {
      const held = await this.costs.holdCall(this.claim, this.job, bounds, mayLower, this.laterUsd);
      if (held === null) throw overLimit();
      if (held !== 'wait') {
        this.begun = true;
        return held;
      }
      if (!this.begun) throw new NotNowError(WAITING_FOR_COSTS, AGAIN_SECONDS);
      if (this.clock.now() + LOOK_MS >= this.limits.deadlineAt) throw overLimit();
      await this.clock.sleep(LOOK_MS, this.limits.signal).catch(() => this.limits.signal?.throwIfAborted());
    }
  }

  giveBack(usd: number): Promise<void> {
    return this.costs.giveBackCall(this.claim, usd);
  }

  keep(usd: number): Promise<void> {
    return this.costs.keepCall(this.claim, usd);
  }
}
