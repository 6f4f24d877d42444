import { Injectable, Logger } from '@nestjs/common';
import type { NoteInText } from '../assessment/description.js';
import { usageOf, type ResponseFacts } from '../assessment/response-body.js';
import { buildTranslationRequest, parseTranslation, textSize } from '../assessment/translation.js';
import { withMoreRoom } from '../assessment/vision-request.js';
import { translationBounds } from '../assessment/worst-case.js';
import { usageJson } from '../jobs/usage-json.js';
import type { CallLimits } from '../openai/retry.js';
import type { Budget } from './budget.js';
import { callError } from './call-errors.js';
import { ModelCalls, type CountUsage } from './model-calls.js';
import { ModelSettings } from './model-settings.js';
import type { TranslatedNotes } from './noted-rows.js';

/** Translations that cannot be used; the text stands without its notes. */
export class TranslationError extends Error {
  override readonly name = 'TranslationError';
}

/** How often an answer may be asked for when it is not JSON or does not fit the schema. More tries do not help. */
const MAX_INVALID = 2;

/** Has the notes of one lot translated through the Responses API: in synchronous mode, and where a batch could not. */
@Injectable()
export class NoteTranslator {
  private readonly logger = new Logger(NoteTranslator.name);

  constructor(
    private readonly calls: ModelCalls,
    private readonly settings: ModelSettings,
  ) {}

  /**
   * @param notes - at least one
   * @returns the sentences as the model wrote them; nobody has judged them yet
   * @throws TranslationError when the answer cannot be used, LotError when there is none
   */
  async translate(
    notes: readonly NoteInText[],
    language: string,
    limits: CallLimits,
    count: CountUsage,
    budget?: Budget,
  ): Promise<TranslatedNotes> {
    const strings = notes.map(({ note }) => note);
    const request = buildTranslationRequest(strings, [language], this.settings.translation);
    let problem = '';
    for (let tries = 0; tries < MAX_INVALID; tries++) {
      // The second time it gets twice the room, because an answer that was cut off does not fit the schema either.
      const bounds = translationBounds(textSize(strings), 1, this.settings.worstCase(false));
      const sent = tries === 0 ? request : withMoreRoom(request);
      const { body, bill } = await this.calls
        .ask('translation', sent, bounds, limits, count, tries === 0 ? 'usual' : 'needed', budget)
        .catch((error: unknown) => {
          throw callError(error, []);
        });
      const answer = this.read(body, strings.length, language);
      const usage = await bill(answer.usage);
      if (answer.kind === 'refused') throw new TranslationError('the model refused');
      const said = answer.kind === 'translated' ? answer.languages.get(language) : undefined;
      if (said !== undefined) {
        return {
          strings: said,
          model: answer.model,
          promptVersion: this.settings.translation.prompt.version,
          responseId: answer.responseId,
          usage: usageJson(usage),
        };
      }
      problem = answer.kind === 'translated' ? 'a language is missing' : answer.kind;
    }
    throw new TranslationError(`the answer cannot be used: ${problem}`);
  }

  /**
   * Into several languages side by side. One that is late or fails is left out.
   * @param budget - of one call
   * @throws the signal's reason once it has ended the calls
   */
  async translateAll(
    notes: readonly NoteInText[],
    languages: readonly string[],
    limits: CallLimits & { readonly signal: AbortSignal },
    count: CountUsage,
    budget: () => Budget | undefined,
  ): Promise<ReadonlyMap<string, TranslatedNotes>> {
    const translated = new Map<string, TranslatedNotes>();
    if (notes.length === 0) return translated;
    const one = async (language: string) => {
      try {
        translated.set(language, await this.translate(notes, language, limits, count, budget()));
      } catch (error) {
        limits.signal.throwIfAborted();
        const reason = error instanceof Error ? error.message : 'unknown';
        this.logger.warn('notes could not be translated and are left out', { language, reason });
      }
    };
    await Promise.all(languages.map(one));
    return translated;
  }

  /** If our own code fails on an answer, it is billed like any other and counts as invalid. */
  private read(body: unknown, count: number, language: string) {
    try {
      return parseTranslation(body, count, [language]);
    } catch (error) {
      this.logger.error('an answer cannot be read', { reason: error instanceof Error ? error.stack : 'unknown' });
      const facts: ResponseFacts = { responseId: null, model: null, usage: usageOf(body) };
      return { ...facts, kind: 'invalid', problems: [] } as const;
    }
  }
}
