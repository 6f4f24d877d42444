import { ruleFor, type FaultBook, type FaultCase } from '../faults/fault-book.js';
import type { FaultRule } from '../faults/fault-rules.js';
import type { JsonObject } from '../json.js';
import type { ModelTable } from '../models/model-table.js';
import type { SandboxClock } from '../sandbox-clock.js';
import type { Simulation } from '../simulation.js';
import { strikeAnswer, strikeBeforeAnswer, strikeValue } from './answer-faults.js';
import type { PhotoSource } from './photo-source.js';
import { responseObject, type ModelAnswer, type Usage } from './response-object.js';
import type { ResponseRequest } from './response-request.js';
import {
  checkContextLength,
  inputTokens,
  PromptCache,
  reasoningTokens,
  textTokens,
  type PixelSize,
} from './token-estimate.js';
import { validateRequest } from './validate-request.js';

/** The model behind POST /v1/responses and behind every line of a batch. */
export class Responder<Look extends PixelSize = PixelSize> {
  private readonly cache = new PromptCache();

  constructor(
    private readonly models: ModelTable,
    private readonly photos: PhotoSource<Look>,
    private readonly simulation: Simulation<Look>,
    private readonly faults: FaultBook,
    private readonly clock: SandboxClock,
  ) {}

  /**
   * A whole Response object for a request's JSON.
   * @param faultCase - where the request came from; its model and kind are filled in here
   * @throws ApiError as the real endpoint answers
   */
  async respond(
    json: unknown,
    faultCase: Pick<FaultCase, 'within' | 'text' | 'key'>,
    signal: AbortSignal,
  ): Promise<JsonObject & { readonly usage: Usage | null }> {
    const request = validateRequest(json, this.models);
    const kind = request.photos.length > 0 ? 'vision' : 'translation';
    checkContextLength(request, inputTokens(request));
    const faults = this.faults.strike('answer', { ...faultCase, model: request.model.id, kind });
    strikeBeforeAnswer(request, faults);
    const looks = await this.photos.look(request.photos, signal);
    const tokens = inputTokens(request, looks);
    const value = strikeValue(this.simulate(request, looks, faults), request, faults);
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const answer = strikeAnswer(withinBudget(request, text), faults);
    const input = { tokens, ...this.cache.use(request, looks, tokens) };
    return responseObject(request, answer, input, this.clock.seconds());
  }

  private simulate(request: ResponseRequest, looks: readonly Look[], faults: readonly FaultRule[]): unknown {
    if (request.schema === null) return 'Simulated: the sandbox answers with text only where no schema is asked for.';
    const photos = looks.map((look, index) => ({ number: request.photos[index]?.number ?? index + 1, look }));
    const scene = ruleFor(faults, 'scene')?.scene;
    return this.simulation.answer({ schema: request.schema, photos, userTexts: request.userTexts, scene });
  }
}

/** Reasoning counts against max_output_tokens: what is left over decides how much of the text comes out. */
function withinBudget(request: ResponseRequest, text: string): ModelAnswer {
  const reasoning = reasoningTokens(request.effort, text);
  const needed = textTokens(text);
  const budget = request.maxOutputTokens ?? request.model.maxOutputTokens;
  if (reasoning + needed <= budget) {
    return { text, status: 'completed', reasoningTokens: reasoning, textTokens: needed };
  }
  const left = Math.max(0, budget - reasoning);
  return {
    text: left === 0 ? null : text.slice(0, Math.floor((text.length * left) / needed)),
    status: 'incomplete',
    incompleteReason: 'max_output_tokens',
    reasoningTokens: Math.min(reasoning, budget),
    textTokens: left,
  };
}
