import { Injectable, Logger } from '@nestjs/common';
import { misreadingsInSteps } from '../assessment/audit/collisions.js';
import type { Glossary } from '../assessment/text/glossary.js';
import { fingerprintOf } from '../assessment/text/glossary-file.js';
import { parseGlossaryAnswer } from '../assessment/text/glossary-answer.js';
import { buildGlossaryRequest, type WantedGlossary } from '../assessment/text/glossary-request.js';
import { Clock } from '../common/clock.js';
import { inSteps } from '../common/in-steps.js';
import { neverSent } from '../describe/budget.js';
import { ModelSettings } from '../describe/model-settings.js';
import { OpenAiError, type OpenAiErrorKind } from '../openai/errors.js';
import { OpenAiClient } from '../openai/openai-client.js';
import { countCost, countTry, type TryOutcome } from './glossary-metrics.js';

/** What one try gave. */
export type Tried =
  | { readonly kind: 'made'; readonly version: string; readonly words: string }
  /** Nothing was asked, or nothing was answered that costs: the try counts as none. */
  | { readonly kind: 'not_now'; readonly reason: string; readonly afterSeconds: number }
  | { readonly kind: 'failed'; readonly reason: string };

/** An answer of six hundred texts takes minutes. */
const LONGEST_CALL_MS = 15 * 60_000;
const NOT_NOW_SECONDS = 60;
const NOT_NOW: ReadonlySet<OpenAiErrorKind> = new Set(['circuit_open', 'rate_limited', 'quota']);
const MOST_PROBLEMS = 5;
const MOST_REASON = 500;

/** Asks the translation model for one glossary and judges the answer. */
@Injectable()
export class GlossaryAsker {
  private readonly logger = new Logger(GlossaryAsker.name);

  constructor(
    private readonly clock: Clock,
    private readonly settings: ModelSettings,
    private readonly openai: OpenAiClient,
  ) {}

  /** @throws OpenAiError `aborted` when the signal ended the call */
  async ask(wanted: WantedGlossary, signal: AbortSignal): Promise<Tried> {
    const { tag } = wanted;
    let body: unknown;
    let requestId: string | undefined;
    try {
      const limits = { deadlineAt: this.clock.now() + LONGEST_CALL_MS, signal };
      ({ body, requestId } = await this.openai.createResponse(
        buildGlossaryRequest(wanted, this.settings.glossary),
        limits,
      ));
    } catch (error) {
      return this.withoutAnswer(error, tag);
    }
    const answer = parseGlossaryAnswer(body, wanted);
    countCost(this.settings.glossary.model, this.settings.usageRow('translation', answer.usage, false).costUsd);
    if (answer.kind === 'glossary') {
      const { as_in_english: _same, ...words } = answer.file;
      // Texts that can be read in two ways would be refused one by one, and carry English for as long as the version lives.
      const misread = await inSteps(misreadingsInSteps(words as unknown as Glossary));
      if (misread.length > 0) {
        const reason = ['unusable', ...misread.slice(0, MOST_PROBLEMS)].join('; ');
        return this.failed('unusable', reason, tag, requestId);
      }
      countTry('made');
      return { kind: 'made', version: fingerprintOf(words), words: JSON.stringify(answer.file) };
    }
    const problems = 'problems' in answer ? answer.problems : 'reason' in answer ? [answer.reason] : [];
    return this.failed(answer.kind, [answer.kind, ...problems.slice(0, MOST_PROBLEMS)].join('; '), tag, requestId);
  }

  private withoutAnswer(error: unknown, tag: string): Tried {
    if (!(error instanceof OpenAiError) || error.kind === 'aborted') throw error;
    if (NOT_NOW.has(error.kind) || neverSent(error)) {
      countTry('not_now');
      const wait = Math.ceil((error.retryAfterMs ?? 0) / 1000);
      return { kind: 'not_now', reason: error.kind, afterSeconds: Math.max(NOT_NOW_SECONDS, wait) };
    }
    return this.failed('no_answer', `no answer: ${error.kind}`, tag, error.requestId);
  }

  private failed(outcome: TryOutcome, reason: string, tag: string, requestId: string | undefined): Tried {
    countTry(outcome);
    this.logger.warn('a glossary could not be made', { tag, reason, openai_request_id: requestId });
    return { kind: 'failed', reason: reason.slice(0, MOST_REASON) };
  }
}
