import type { Clock } from '../common/clock.js';
import { OpenAiError } from './errors.js';
import { isRecord, textOf } from './json-values.js';
import type { OpenAiTransport } from './openai-transport.js';
import { readJson } from './read-body.js';
import type { CallLimits } from './retry.js';
import { brokenBody } from './to-openai-error.js';

export interface UpstreamModel {
  readonly id: string;
  /** The day from which (UTC) OpenAI no longer promises the model, if one is announced. */
  readonly shutdownDate: Date | undefined;
}

const TRY_TIMEOUT_MS = 15_000;

export class ModelsApi {
  constructor(
    private readonly transport: OpenAiTransport,
    private readonly clock: Clock,
  ) {}

  /**
   * Whether OpenAI answers at all just now. It is asked by a call that costs nothing, once. Any answer except a 5xx
   * counts, because not every gateway lists models.
   */
  async answers(id: string, signal: AbortSignal | undefined): Promise<boolean> {
    const deadlineAt = this.clock.now() + TRY_TIMEOUT_MS;
    try {
      await this.retrieveModel(id, { deadlineAt, signal }, 1);
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      const status = error instanceof OpenAiError ? error.status : undefined;
      return status !== undefined && status < 500 && status !== 408;
    }
  }

  /** GET /models/{id}. @throws OpenAiError with the code `model_not_found` when it is gone or unknown to this key */
  async retrieveModel(id: string, limits: CallLimits, maxTries?: number): Promise<UpstreamModel> {
    const { value } = await this.transport.call<UpstreamModel>(
      {
        ...(maxTries !== undefined && { maxTries }),
        name: 'retrieve_model',
        path: `/models/${id}`,
        model: id,
        tryTimeoutMs: TRY_TIMEOUT_MS,
        send: (client, sdkOptions) => client.models.retrieve(id, sdkOptions).asResponse(),
        read: async (response) => parseModel(await readJson(response)),
      },
      limits,
    );
    return value;
  }
}

function parseModel(body: unknown): UpstreamModel {
  const id = isRecord(body) ? textOf(body['id']) : undefined;
  if (!isRecord(body) || id === undefined) throw brokenBody({ status: 200 });
  const date = textOf(body['shutdown_date']);
  const shutdownDate =
    date !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(date) ? new Date(`${date}T00:00:00Z`) : undefined;
  return { id, shutdownDate: shutdownDate && Number.isNaN(shutdownDate.getTime()) ? undefined : shutdownDate };
}
