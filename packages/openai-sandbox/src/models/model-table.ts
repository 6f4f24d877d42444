import { ApiError } from '../http/api-error.js';
import type { JsonObject } from '../json.js';

/** What the sandbox knows of a model; sources and their age are in docs/decisions.md. */
export interface ModelFacts {
  readonly id: string;
  /** The dated name that a response reports. */
  readonly snapshot: string;
  readonly created: number;
  /** YYYY-MM-DD; from that day on the model is gone. */
  readonly shutdownDate: string | null;
  /** Values of reasoning.effort, the default first; empty: not a reasoning model. */
  readonly efforts: readonly string[];
  readonly contextTokens: number;
  readonly maxOutputTokens: number;
  /** Its prompt cache is read and written at breakpoints only, and writing costs more than not writing: gpt-5.6 and later. */
  readonly cacheBreakpoints: boolean;
}

const ALL_EFFORTS = ['medium', 'none', 'low', 'high', 'xhigh', 'max'];

const BUILT_IN: readonly ModelFacts[] = [
  model('gpt-5.6-sol', 1_783_900_800, ALL_EFFORTS, 1_050_000, 128_000),
  model('gpt-5.6-terra', 1_783_900_800, ALL_EFFORTS, 1_050_000, 128_000),
  model('gpt-5.6-luna', 1_783_900_800, ALL_EFFORTS, 1_050_000, 128_000),
  model('gpt-6-luna', 1_792_800_000, ALL_EFFORTS, 1_050_000, 128_000),
  model('gpt-6.1-terra', 1_794_600_000, ALL_EFFORTS, 1_050_000, 128_000),
  {
    ...model('gpt-4.1-mini', 1_744_318_173, [], 1_047_576, 32_768),
    snapshot: 'gpt-4.1-mini-2025-04-14',
    shutdownDate: '2027-01-14',
    cacheBreakpoints: false,
  },
  {
    ...model('o4-mini', 1_744_225_351, ['medium', 'low', 'high'], 200_000, 100_000),
    snapshot: 'o4-mini-2025-04-16',
    shutdownDate: '2026-10-23',
    cacheBreakpoints: false,
  },
];

function model(
  id: string,
  created: number,
  efforts: readonly string[],
  contextTokens: number,
  maxOutputTokens: number,
): ModelFacts {
  return {
    id,
    snapshot: id,
    created,
    shutdownDate: null,
    efforts,
    contextTokens,
    maxOutputTokens,
    cacheBreakpoints: true,
  };
}

/** The models that this sandbox serves today. */
export class ModelTable {
  private readonly models: ReadonlyMap<string, ModelFacts>;

  /**
   * @param extra - model id → shutdown date or null; they behave like gpt-5.6
   * @param today - YYYY-MM-DD of the sandbox's time
   * @param gone - true for a model that a fault took away
   */
  constructor(
    extra: Readonly<Record<string, string | null>>,
    private readonly today: () => string,
    private readonly gone: (id: string) => boolean,
  ) {
    const models = new Map<string, ModelFacts>();
    for (const facts of BUILT_IN) {
      models.set(facts.id, facts);
      models.set(facts.snapshot, { ...facts, id: facts.snapshot });
    }
    for (const [id, shutdownDate] of Object.entries(extra)) {
      models.set(id, {
        ...(models.get(id) ?? model(id, 1_783_900_800, ALL_EFFORTS, 1_050_000, 128_000)),
        shutdownDate,
      });
    }
    this.models = models;
  }

  /** undefined: never existed, was shut down, or a fault took it away. */
  find(id: string): ModelFacts | undefined {
    const facts = this.models.get(id);
    if (facts === undefined || this.gone(id)) return undefined;
    return facts.shutdownDate !== null && facts.shutdownDate <= this.today() ? undefined : facts;
  }

  list(): JsonObject[] {
    return [...this.models.values()].filter(({ id }) => this.find(id) !== undefined).map(modelObject);
  }

  /** @throws ApiError 404 model_not_found in the shape of GET /v1/models/{id} */
  retrieve(id: string): JsonObject {
    const facts = this.find(id);
    if (facts !== undefined) return modelObject(facts);
    throw new ApiError(404, `The model '${id}' does not exist`, { param: 'model', code: 'model_not_found' });
  }

  /** @throws ApiError 404 model_not_found in the shape of POST /v1/responses */
  require(id: string): ModelFacts {
    const facts = this.find(id);
    if (facts !== undefined) return facts;
    const message = `The model \`${id}\` does not exist or you do not have access to it.`;
    throw new ApiError(404, message, { code: 'model_not_found' });
  }
}

function modelObject({ id, created, shutdownDate }: ModelFacts): JsonObject {
  return { id, object: 'model', created, owned_by: 'system', shutdown_date: shutdownDate };
}
