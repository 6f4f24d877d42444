import { Injectable } from '@nestjs/common';
import { usageOf, type TokenUsage } from '../assessment/response-body.js';
import type { TranslationRequest } from '../assessment/translation.js';
import type { VisionRequest } from '../assessment/vision-request.js';
import type { CallBounds } from '../assessment/worst-case.js';
import type { UsageRow } from '../jobs/usage-sum.js';
import type { ModelStage } from '../jobs/states.js';
import { OpenAiError } from '../openai/errors.js';
import { OpenAiClient, type CreatedResponse } from '../openai/openai-client.js';
import type { CallLimits } from '../openai/retry.js';
import { BudgetedCall, type Budget } from './budget.js';
import { countCost } from './cost-metrics.js';
import { ModelSettings } from './model-settings.js';

/** Called for each answer, useful or not, because all of them are billed. */
export type CountUsage = (usage: UsageRow) => Promise<void>;

/** An answer, and a function to call before the answer is used. */
export interface Asked extends Pick<CreatedResponse, 'body' | 'requestId'> {
  /** Counts the answer's cost and gives back what was held for it. @returns the counted usage */
  readonly bill: (usage: TokenUsage) => Promise<UsageRow>;
}

/** Sends requests to the models. Each try is counted, and held of the job's limit if it has one. */
@Injectable()
export class ModelCalls {
  constructor(
    private readonly openai: OpenAiClient,
    private readonly settings: ModelSettings,
  ) {}

  /**
   * Makes one call, within the job's budget if it has one.
   * @param bounds - what the request may use with the usual room for its answer
   * @param room - `usual` may be lowered if the request does not fit otherwise
   */
  async ask(
    stage: ModelStage,
    request: VisionRequest | TranslationRequest,
    bounds: CallBounds | null,
    limits: CallLimits,
    count: CountUsage,
    room: 'usual' | 'needed',
    budget: Budget | undefined,
  ): Promise<Asked> {
    const wanted = request.max_output_tokens;
    const call = budget && (await BudgetedCall.begin(budget, bounds && { ...bounds, room: wanted }, room === 'usual'));
    const beforeRetry = async (failed: OpenAiError) => {
      // Every try that names its tokens is billed, not only the last one.
      if (isToldBy(failed)) await this.count(stage, usageOf(failed), count, call);
      await call?.beforeRetry(failed, isToldBy(failed));
    };
    try {
      const sent = { ...request, max_output_tokens: call?.room ?? wanted };
      const answer = await this.openai.createResponse(sent, { ...limits, beforeRetry });
      return { ...answer, bill: (usage) => this.bill(stage, usage, count, call) };
    } catch (error) {
      if (isToldBy(error)) await this.count(stage, usageOf(error), count, call);
      await call?.failed(error, isToldBy(error));
      throw error;
    }
  }

  private async bill(stage: ModelStage, usage: TokenUsage, count: CountUsage, call: BudgetedCall | undefined) {
    const row = await this.count(stage, usage, count, call);
    await call?.answered(usage);
    return row;
  }

  /** Counts usage. If that fails, the amount stays held, and the lot's other calls do not wait for it. */
  private async count(stage: ModelStage, usage: TokenUsage, count: CountUsage, call: BudgetedCall | undefined) {
    const row = this.settings.usageRow(stage, usage, false);
    try {
      await count(row);
      countCost(row, 'direct');
    } catch (error) {
      await call?.failed(error, false);
      throw error;
    }
    return row;
  }
}

/** Whether a failed call names tokens, which are billed. */
function isToldBy(error: unknown): error is OpenAiError {
  if (!(error instanceof OpenAiError)) return false;
  const usage = usageOf(error);
  return usage.input + usage.output > 0;
}
