import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { APP_CONFIG, type AppConfig } from '../config/app-config.js';
import { OpenAiError } from './errors.js';
import { showModels } from './model-metrics.js';
import { OpenAiClient } from './openai-client.js';

/**
 * - `available`: served, no shutdown announced soon
 * - `deprecated`: served, shuts down within 60 days
 * - `closing`: served, but shuts down within 48 hours or should already be gone: a batch might not finish
 * - `gone`: OpenAI does not know the model, or this key may not use it
 * - `unknown`: OpenAI could not be asked, or the server does not answer this request
 */
type ModelStateName = 'available' | 'deprecated' | 'closing' | 'gone' | 'unknown';

export interface ModelState {
  readonly id: string;
  readonly state: ModelStateName;
  /** Midnight UTC of the announced day. */
  readonly shutdownDate: Date | undefined;
  /** OpenAI's own replacement, where known. */
  readonly replacement: string | undefined;
  /** False when a new batch on this model would probably never be finished. True while unknown. */
  readonly acceptsBatch: boolean;
}

const HOUR_MS = 3_600_000;
const WARN_MS = 60 * 24 * HOUR_MS;
const REFUSE_BATCH_MS = 48 * HOUR_MS;
const KEEP_MS = HOUR_MS;
/** After a failed request OpenAI is asked again sooner. */
const KEEP_UNKNOWN_MS = 60_000;
const ASK_DEADLINE_MS = 20_000;

interface KnownModel {
  readonly answer: Promise<AboutModel>;
  expiresAt: number;
}

type AboutModel = { readonly shutdownDate: Date | undefined } | 'gone' | 'unknown';

/**
 * Asks OpenAI whether the configured models are served: at start, to say clearly what must be changed, and before a
 * shard is submitted. It neither stops the start nor delays readiness, because OpenAI may be unreachable for a while.
 */
@Injectable()
export class ModelCheck implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(ModelCheck.name);
  private readonly known = new Map<string, KnownModel>();
  private readonly latest = new Map<string, ModelState>();
  private readonly stopping = new AbortController();

  constructor(
    @Inject(APP_CONFIG) private readonly config: Pick<AppConfig, 'openai'>,
    private readonly clock: Clock,
    private readonly client: OpenAiClient,
  ) {}

  onApplicationBootstrap(): void {
    showModels(() => this.shown());
    // Not awaited: see the class. checkConfigured handles its errors itself.
    void this.checkConfigured();
  }

  onModuleDestroy(): void {
    this.stopping.abort();
  }

  /** Logs what is wrong with each configured model. Never rejects. */
  async checkConfigured(): Promise<void> {
    const { visionModel, translationModel } = this.config.openai;
    const states = await Promise.all([...new Set([visionModel, translationModel])].map((id) => this.modelState(id)));
    if (this.stopping.signal.aborted) return;
    for (const state of states) {
      this.latest.set(state.id, state);
      this.say(state);
    }
  }

  /** What is known of the configured models now; what is older than an hour is asked again for the next time. */
  private shown(): readonly ModelState[] {
    if (this.stopping.signal.aborted) return [];
    const { visionModel, translationModel } = this.config.openai;
    for (const id of new Set([visionModel, translationModel])) {
      void this.modelState(id).then((state) => this.latest.set(id, state));
    }
    return [...this.latest.values()];
  }

  /** The state of a model, asked at most once an hour. Never rejects. */
  async modelState(id: string): Promise<ModelState> {
    const now = this.clock.now();
    let known = this.known.get(id);
    if (known === undefined || known.expiresAt <= now) {
      known = { answer: this.ask(id), expiresAt: now + KEEP_MS };
      this.known.set(id, known);
    }
    const answer = await known.answer;
    if (answer === 'unknown') known.expiresAt = Math.min(known.expiresAt, now + KEEP_UNKNOWN_MS);
    return describeModel(id, answer, this.clock.now());
  }

  private async ask(id: string): Promise<AboutModel> {
    try {
      const deadlineAt = this.clock.now() + ASK_DEADLINE_MS;
      return await this.client.models.retrieveModel(id, { deadlineAt, signal: this.stopping.signal });
    } catch (error) {
      if (!(error instanceof OpenAiError)) {
        this.logger.error('model check failed', { model: id, cause: error instanceof Error ? error.stack : undefined });
        return 'unknown';
      }
      // Many gateways serve models without a list of them, so any other 404 only means that there is no list.
      if (error.code === 'model_not_found') return 'gone';
      if (error.kind === 'auth')
        this.logger.error('OpenAI refuses the API key', { status: error.status, code: error.code });
      return 'unknown';
    }
  }

  private say({ id, state, shutdownDate, replacement }: ModelState): void {
    const facts = {
      model: id,
      shutdownDate: shutdownDate?.toISOString().slice(0, 10),
      replacement: replacement ?? 'see the deprecations page of the OpenAI documentation',
    };
    switch (state) {
      case 'gone':
        this.logger.error(
          'a configured model no longer exists, so every request to it will fail; configure the replacement',
          facts,
        );
        break;
      case 'closing':
        this.logger.error('a configured model shuts down within 48 hours and gets no new batches', facts);
        break;
      case 'deprecated':
        this.logger.warn('a configured model shuts down within 60 days; configure the replacement', facts);
        break;
      case 'unknown':
        this.logger.warn('OpenAI could not be asked about a configured model', { model: id });
        break;
      case 'available':
        this.logger.log('configured model is available', { model: id });
    }
  }
}

/** What OpenAI's answer means at this time; pure. */
export function describeModel(id: string, answer: AboutModel, now: number): ModelState {
  const shutdownDate = typeof answer === 'string' ? undefined : answer.shutdownDate;
  const state = typeof answer === 'string' ? answer : stateBefore(shutdownDate, now);
  const acceptsBatch = state !== 'gone' && state !== 'closing';
  return { id, state, shutdownDate, replacement: replacementOf(id), acceptsBatch };
}

function stateBefore(shutdownDate: Date | undefined, now: number): ModelStateName {
  if (shutdownDate === undefined) return 'available';
  const left = shutdownDate.getTime() - now;
  if (left <= REFUSE_BATCH_MS) return 'closing';
  return left <= WARN_MS ? 'deprecated' : 'available';
}

/** What OpenAI's deprecation notices of April and October 2026 name in place of models that this service has run on. */
const REPLACEMENTS: Readonly<Record<string, string>> = {
  'o4-mini': 'gpt-5.6-terra',
  'gpt-4.1-mini': 'gpt-6-luna',
};

/** The named replacement of a model, its dated snapshots (`o4-mini-2025-04-16`) included; undefined where none is known. */
export function replacementOf(model: string): string | undefined {
  return REPLACEMENTS[model.replace(/-\d{4}-\d{2}-\d{2}$/, '')];
}
