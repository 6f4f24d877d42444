import { Injectable } from '@nestjs/common';
import { usageOf, type TokenUsage } from '../../assessment/response-body.js';
import type { TranslationRequest } from '../../assessment/translation.js';
import type { VisionRequest } from '../../assessment/vision-request.js';
import type { CallBounds } from '../../assessment/worst-case.js';
import type { UsageRow } from '../../jobs/job-store.js';
import type { ModelStage } from '../../jobs/states.js';
import { OpenAiError } from '../../openai/errors.js';
import { OpenAiClient, type CreatedResponse } from '../../openai/openai-client.js';
import type { CallLimits } from '../../openai/retry.js';
import { BudgetedCall, type Budget } from './budget.js';
import { ModelSettings } from './model-settings.js';

/** Called as each answer comes in, useful or not: all of them are billed. */
export type CountUsage = (usage: UsageRow) => Promise<void>;

/** An answer, and what is to be called once its usage is counted. */
export interface Asked extends Pick<CreatedResponse, 'body' | 'requestId'> {
  readonly answered: (usage: TokenUsage) => Promise<void>;
}

/** Sends requests to the models and sees to it that each try is counted, and held of the job's limit where it has one. */
@Injectable()
export class ModelCalls {
  constructor(
    private readonly openai: OpenAiClient,
    private readonly settings: ModelSettings,
  ) {}

  /**
   * One call, within the job's budget if it has one.
   * @param bounds - of the request with its usual room
   * @param room - `usual` may be lowered where the request does not fit otherwise
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
      // Each try that tells tokens is billed, not the last one alone.
      await this.countFailure(failed, count, stage);
      await call?.beforeRetry(failed, isToldBy(failed));
    };
    try {
      const sent = { ...request, max_output_tokens: call?.room ?? wanted };
      const answer = await this.openai.createResponse(sent, { ...limits, beforeRetry });
      return { ...answer, answered: async (usage) => call?.answered(usage) };
    } catch (error) {
      await this.countFailure(error, count, stage);
      await call?.failed(error, isToldBy(error));
      throw error;
    }
  }

  private async countFailure(error: unknown, count: CountUsage, stage: ModelStage) {
    if (isToldBy(error)) await count(this.settings.usageRow(stage, usageOf(error), false));
  }
}

/** Whether a call that failed tells tokens: those are billed. */
function isToldBy(error: unknown): error is OpenAiError {
  if (!(error instanceof OpenAiError)) return false;
  const usage = usageOf(error);
  return usage.input + usage.output > 0;
}
