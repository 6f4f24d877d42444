import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isObject } from './json.js';

/** The settings of the sandbox, validated and typed. */
export interface SandboxSettings {
  /** Loopback port; 0 takes a free one. */
  readonly port: number;
  /** Files, batches and fault rules live here, so that a restart with the same folder goes on. */
  readonly stateDir: string;
  /** Bearer token that is let in; empty: any. */
  readonly apiKey: string;
  /** How many times faster than the wall clock the sandbox's time runs. */
  readonly speed: number;
  /** Milliseconds (real, whatever the speed) before each answer of POST /v1/responses. */
  readonly latencyMs: number;
  /**
   * `fetch`: photos are fetched and decoded; `url`: findings are derived from the address alone, for proofs of load.
   */
  readonly photos: 'fetch' | 'url';
  /** Real seconds that one photo may take. */
  readonly photoTimeoutSeconds: number;
  /** Photos fetched side by side, over all requests. */
  readonly photoConcurrency: number;
  /** Lines of one batch worked on side by side. */
  readonly lineConcurrency: number;
  /** Sandbox seconds that a batch spends in each state at least. */
  readonly batch: { readonly validateSeconds: number; readonly runSeconds: number; readonly finalizeSeconds: number };
  /** Enqueued input tokens that all batches of a model may have; 0: no limit. */
  readonly enqueuedTokenLimit: number;
  /** Seed of every random choice: order of output lines, faults with a probability. */
  readonly seed: string;
  /** Fault rules (JSON text) that hold from the start; see POST /sandbox/faults. */
  readonly faults: readonly unknown[];
  /** Bytes of one request body kept in the log. */
  readonly logBodyBytes: number;
  /** Model id → shutdown_date (YYYY-MM-DD) or null, on top of the built-in table. */
  readonly extraModels: Readonly<Record<string, string | null>>;
}

/** Thrown at the start; names the variables that are wrong and never their values. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';

  constructor(problems: readonly string[]) {
    super(`The settings are not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads and validates the variables SANDBOX_*.
 * @throws SettingsError naming every variable that is wrong
 */
export function loadSandboxSettings(environment: Environment = process.env): SandboxSettings {
  const problems: string[] = [];
  const text = (name: string, fallback = '') => {
    const value = environment[name];
    return value === undefined || value === '' ? fallback : value;
  };
  const number = (name: string, fallback: number, { min = 0, max = Number.MAX_SAFE_INTEGER, whole = true } = {}) => {
    const value = text(name);
    if (value === '') return fallback;
    const parsed = /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
    if (parsed >= min && parsed <= max && (!whole || Number.isInteger(parsed))) return parsed;
    problems.push(`${name} must be ${whole ? 'a whole number' : 'a number'} from ${min} to ${max}`);
    return fallback;
  };
  const seconds = (name: string, fallback: number, { min = 0, max = 31_536_000 } = {}) =>
    number(name, fallback, { min, max, whole: false });
  const json = (name: string): unknown => {
    try {
      return text(name) === '' ? undefined : (JSON.parse(text(name)) as unknown);
    } catch {
      // The parser's own message would quote the value.
      return null;
    }
  };
  const photos = text('SANDBOX_PHOTOS', 'fetch');
  if (photos !== 'fetch' && photos !== 'url') problems.push('SANDBOX_PHOTOS must be one of fetch, url');
  const faults = json('SANDBOX_FAULTS') ?? [];
  if (!Array.isArray(faults) || json('SANDBOX_FAULTS') === null) {
    problems.push('SANDBOX_FAULTS must be a JSON array of fault rules');
  }
  const models = json('SANDBOX_MODELS');
  if (models !== undefined && !isModelTable(models)) {
    problems.push('SANDBOX_MODELS must map a model id to its shutdown date or null');
  }
  const settings: SandboxSettings = {
    port: number('SANDBOX_PORT', 0, { max: 65_535 }),
    stateDir: resolve(text('SANDBOX_STATE_DIR', join(tmpdir(), 'openai-sandbox'))),
    apiKey: text('SANDBOX_API_KEY'),
    speed: number('SANDBOX_SPEED', 1, { min: 0.001, max: 1_000_000, whole: false }),
    latencyMs: number('SANDBOX_LATENCY_MS', 0, { max: 3_600_000 }),
    photos: photos === 'url' ? 'url' : 'fetch',
    photoTimeoutSeconds: seconds('SANDBOX_PHOTO_TIMEOUT', 10, { min: 0.1, max: 300 }),
    photoConcurrency: number('SANDBOX_PHOTO_CONCURRENCY', 32, { min: 1, max: 1000 }),
    lineConcurrency: number('SANDBOX_LINE_CONCURRENCY', 16, { min: 1, max: 1000 }),
    batch: {
      validateSeconds: seconds('SANDBOX_BATCH_VALIDATE_SECONDS', 1),
      runSeconds: seconds('SANDBOX_BATCH_RUN_SECONDS', 3),
      finalizeSeconds: seconds('SANDBOX_BATCH_FINALIZE_SECONDS', 1),
    },
    enqueuedTokenLimit: number('SANDBOX_ENQUEUED_TOKEN_LIMIT', 0),
    seed: text('SANDBOX_SEED', 'sandbox'),
    faults: Array.isArray(faults) ? faults : [],
    logBodyBytes: number('SANDBOX_LOG_BODY_BYTES', 65_536),
    extraModels: isModelTable(models) ? models : {},
  };
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
}

function isModelTable(value: unknown): value is Record<string, string | null> {
  return isObject(value) && Object.values(value).every((date) => date === null || typeof date === 'string');
}
