import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigError, SettingReader } from './setting-reader.js';

/** The settings of the sandbox process, validated and typed. */
export interface SandboxConfig {
  /** Loopback port; 0 takes a free one. */
  readonly port: number;
  /** Files, batches and fault rules live here, so that a restart with the same folder goes on. */
  readonly stateDir: string;
  /** Bearer token that is let in; empty: any. */
  readonly apiKey: string;
  /** Hosts and CIDRs that the outbound guard lets through, for photos on loopback. */
  readonly allow: readonly string[];
  /** How many times faster than the wall clock the sandbox's time runs. */
  readonly speed: number;
  /** Milliseconds (real, whatever the speed) before each answer of POST /v1/responses. */
  readonly latencyMs: number;
  /** `fetch`: photos are fetched and decoded; `url`: findings are derived from the address alone, for proofs of load. */
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

/**
 * Reads and validates the sandbox's own settings; the service's are not needed for it.
 * @throws ConfigError naming every variable that is wrong, never a value
 */
export function loadSandboxConfig(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): SandboxConfig {
  const read = new SettingReader(environment);
  const config: SandboxConfig = {
    port: read.number('SANDBOX_PORT', 0, { max: 65_535 }),
    stateDir: resolve(read.text('SANDBOX_STATE_DIR', join(tmpdir(), 'generation-service-sandbox'))),
    apiKey: read.secret('SANDBOX_API_KEY'),
    allow: read.list('OUTBOUND_ALLOW'),
    speed: read.number('SANDBOX_SPEED', 1, { min: 0.001, max: 1_000_000, integer: false }),
    latencyMs: read.number('SANDBOX_LATENCY_MS', 0, { max: 3_600_000 }),
    photos: read.oneOf('SANDBOX_PHOTOS', ['fetch', 'url'], 'fetch'),
    photoTimeoutSeconds: read.seconds('SANDBOX_PHOTO_TIMEOUT', 10, { min: 0.1, max: 300 }),
    photoConcurrency: read.number('SANDBOX_PHOTO_CONCURRENCY', 32, { min: 1, max: 1000 }),
    lineConcurrency: read.number('SANDBOX_LINE_CONCURRENCY', 16, { min: 1, max: 1000 }),
    batch: {
      validateSeconds: read.seconds('SANDBOX_BATCH_VALIDATE_SECONDS', 1),
      runSeconds: read.seconds('SANDBOX_BATCH_RUN_SECONDS', 3),
      finalizeSeconds: read.seconds('SANDBOX_BATCH_FINALIZE_SECONDS', 1),
    },
    enqueuedTokenLimit: read.number('SANDBOX_ENQUEUED_TOKEN_LIMIT', 0),
    seed: read.text('SANDBOX_SEED', 'sandbox'),
    faults: readFaults(read),
    logBodyBytes: read.number('SANDBOX_LOG_BODY_BYTES', 65_536),
    extraModels: readModels(read),
  };
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return config;
}

/** What of this process's environment a sandbox started by it may see: its own settings, and nothing secret of ours. */
export function sandboxEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && (name.startsWith('SANDBOX_') || SYSTEM_VARIABLES.has(name))) kept[name] = value;
  }
  return kept;
}

/** Without these a child does not find its libraries, its temporary folder or (on Windows) its sockets. */
const SYSTEM_VARIABLES = new Set([
  'PATH',
  'HOME',
  'TMPDIR',
  'TEMP',
  'TMP',
  'TZ',
  'LANG',
  'LD_LIBRARY_PATH',
  'SystemRoot',
  'NODE_EXTRA_CA_CERTS',
]);

function readFaults(read: SettingReader): readonly unknown[] {
  const text = read.text('SANDBOX_FAULTS');
  if (text === '') return [];
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed)) return parsed;
  } catch {
    // Reported below: the parser's own message would quote the value.
  }
  read.problem('SANDBOX_FAULTS must be a JSON array of fault rules');
  return [];
}

function readModels(read: SettingReader): Record<string, string | null> {
  const given = read.jsonObject('SANDBOX_MODELS', read.text('SANDBOX_MODELS')) ?? {};
  const models: Record<string, string | null> = {};
  for (const [id, date] of Object.entries(given)) {
    if (date !== null && typeof date !== 'string') {
      read.problem('SANDBOX_MODELS must map a model id to its shutdown date or null');
      continue;
    }
    models[id] = date;
  }
  return models;
}
