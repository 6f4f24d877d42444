import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { IMAGE_DETAILS, REASONING_EFFORTS, type ModelPrice } from '../assessment/model-traits.js';
import type { AppConfig, LogLevelName, Role } from './app-config.js';
import { readGlossaryWords } from './glossary-words.js';
import { readHeaders } from './header-settings.js';
import { readKeys, readLotsSignature, readWebhookSecrets } from './key-settings.js';
import { ConfigError, SettingReader } from './setting-reader.js';
import { readTracing } from './tracing-settings.js';
import { readTrustProxy } from './trust-proxy.js';
import { readRetrySchedule } from './webhook-retry-schedule.js';

const MIB = 1024 * 1024;
const MAX_TIMER_SECONDS = 2_147_483;
/** False changes nothing: only a word of its own brings tables back, or leaving out a setting would. */
const CITUS_AIMS = { false: 'as-is', true: 'distributed', undo: 'local' } as const;

/**
 * Reads and validates all settings.
 * @param environment - the variables, usually `process.env`; nothing else in the service reads them
 * @throws ConfigError naming every variable that is missing or wrong, never a value
 */
export function loadConfig(environment: Readonly<Record<string, string | undefined>> = process.env): AppConfig {
  const read = new SettingReader(environment);
  const packageRoot = findPackageRoot(import.meta.dirname);
  const production = read.text('NODE_ENV') === 'production';
  const role = read.oneOf<Role>('ROLE', ['api', 'worker', 'all', 'migrate'], 'all');
  const databaseUrl = readUrl(read, 'DATABASE_URL');
  if (databaseUrl === '' && role !== 'all') {
    read.problem(`DATABASE_URL is needed for ROLE=${role}: the embedded database works only with ROLE=all`);
  }
  const apiKey = read.secret('OPENAI_API_KEY');
  if (apiKey === '' && production && role !== 'migrate') {
    read.problem('OPENAI_API_KEY is needed when NODE_ENV=production: the sandbox only simulates');
  }
  // A migration signs and verifies nothing; everything else refuses to start without a proper key.
  const keys = role === 'migrate' ? new Map<string, readonly string[]>() : readKeys(read);
  const config: AppConfig = {
    packageRoot,
    production,
    role,
    http: {
      port: read.number('PORT', 3000, { max: 65_535 }),
      host: read.text('HOST', '::'),
      maxConnections: read.number('MAX_CONNECTIONS', 5000, { min: 10 }),
      keepAliveSeconds: read.seconds('KEEP_ALIVE_TIMEOUT', 620, { min: 1, max: 86_400 }),
      trustProxy: readTrustProxy(read),
      shutdownDelaySeconds: read.seconds('SHUTDOWN_DELAY', 0, { max: 600 }),
      shutdownGraceSeconds: read.seconds('SHUTDOWN_GRACE', 20, { max: 3600 }),
    },
    log: {
      level: readLogLevel(read),
    },
    tracing: readTracing(read),
    database: {
      url: databaseUrl,
      dataDir: resolve(read.text('DATA_DIR', join(packageRoot, '.data'))),
      prepared: read.flag('DATABASE_PREPARED', false),
      poolSize: read.number('DATABASE_POOL', 10, { min: 2, max: 200 }),
      readUrl: readUrl(read, 'DATABASE_READ_URL'),
      readPoolSize: read.number('DATABASE_READ_POOL', 10, { min: 2, max: 200 }),
      citus: {
        aim: CITUS_AIMS[read.oneOf('CITUS', ['false', 'true', 'undo'], 'false')],
        shardCount: read.number('CITUS_SHARD_COUNT', 32, { min: 1, max: 1024 }),
        colocateWith: read.text('CITUS_COLOCATE_WITH', 'none'),
      },
    },
    auth: {
      keys,
      lotsSignature: readLotsSignature(read, keys),
      legacyUnsignedReads: read.flag('LEGACY_UNSIGNED_READS', false),
    },
    openai: {
      apiKey,
      baseUrl: readBaseUrl(read),
      headers: readHeaders(read),
      projectId: read.text('OPENAI_PROJECT_ID'),
      visionModel: read.text('OPENAI_VISION_MODEL', 'gpt-5.6-terra'),
      visionEffort: read.oneOf('OPENAI_VISION_EFFORT', REASONING_EFFORTS, 'medium'),
      translationModel: read.text('OPENAI_TRANSLATION_MODEL', 'gpt-5.6-luna'),
      translationEffort: read.oneOf('OPENAI_TRANSLATION_EFFORT', REASONING_EFFORTS, 'none'),
      imageDetail: read.oneOf('OPENAI_IMAGE_DETAIL', IMAGE_DETAILS, 'high'),
      visionMaxOutputTokens: read.number('OPENAI_VISION_MAX_OUTPUT_TOKENS', 16_000, { min: 16 }),
      translationMaxOutputTokens: read.number('OPENAI_TRANSLATION_MAX_OUTPUT_TOKENS', 16_000, { min: 16 }),
      retryAttempts: read.number('RETRY_ATTEMPTS', 5, { min: 1, max: 20 }),
      baseDelaySeconds: read.seconds('BASE_DELAY_SEC', 2, { max: 60 }),
      timeoutSeconds: read.seconds('OPENAI_TIMEOUT', 600, { min: 1, max: MAX_TIMER_SECONDS }),
      prices: readPrices(read),
    },
    prompts: {
      vision: readPrompt(read, packageRoot, 'vision.md'),
      translation: readPrompt(read, packageRoot, 'translation.md'),
      glossary: readPrompt(read, packageRoot, 'glossary.md'),
      visionOverride: read.text('VISION_SYSTEM_PROMPT'),
    },
    notes: read.flag('NOTES', false),
    glossaries: readGlossaries(read, packageRoot),
    limitsTexts: readLimitsTexts(read),
    glossaryWords: readGlossaryWords(read, keys),
    limits: {
      maxLots: read.number('MAX_LOTS', 50_000, { min: 1, max: 50_000 }),
      maxSyncImages: read.number('MAX_SYNC_IMAGES', 20, { min: 1, max: 500 }),
      maxLotImages: read.number('MAX_LOT_IMAGES', 100, { min: 1, max: 1000 }),
      maxLanguages: read.number('MAX_LANGUAGES', 10, { min: 1, max: 100 }),
      maxBodyBytes: read.number('MAX_BODY_BYTES', 256 * MIB, { min: 1024 }),
      maxUploads: read.number('MAX_UPLOADS', 2000, { min: 1 }),
      spoolMaxBytes: read.number('SPOOL_MAX_BYTES', 2048 * MIB, { min: MIB }),
      maxActiveJobs: read.number('MAX_ACTIVE_JOBS', 100, { min: 1 }),
      rateLimitStore: read.oneOf('RATE_LIMIT_STORE', ['memory', 'postgres'], 'memory'),
      ratePerMinute: {
        sync: read.number('RATE_LIMIT_SYNC', 100, { min: 1 }),
        batch: read.number('RATE_LIMIT_BATCH', 10, { min: 1 }),
        polling: read.number('RATE_LIMIT_POLLING', 1000, { min: 1 }),
      },
    },
    images: {
      maxBytes: read.number('MAX_IMAGE_SIZE', 10 * MIB, { min: 1024 }),
      headTimeoutSeconds: read.seconds('IMAGE_HEAD_TIMEOUT', 3, { min: 0.1, max: 120 }),
      getTimeoutSeconds: read.seconds('IMAGE_GET_TIMEOUT', 5, { min: 0.1, max: 120 }),
      maxUnreachable: read.number('IMAGE_MAX_UNREACHABLE', 0.3, { max: 1, integer: false }),
      carry: read.flag('PHOTO_CARRY', true),
      userAgent: readUserAgent(read),
    },
    outbound: { allow: read.list('OUTBOUND_ALLOW') },
    sync: {
      timeoutSeconds: read.seconds('SYNC_TIMEOUT', 300, { min: 1, max: MAX_TIMER_SECONDS }),
      translationTimeoutSeconds: read.seconds('SYNC_TRANSLATION_TIMEOUT', 45, { min: 0.1, max: MAX_TIMER_SECONDS }),
    },
    batch: {
      pollIntervalSeconds: read.seconds('BATCH_POLL_INTERVAL', 30, { min: 0.05, max: 3600 }),
      activeLimitPerKey: read.number('ACTIVE_BATCH_LIMIT_KEY', 2, { min: 1 }),
      activeLimitGlobal: read.number('ACTIVE_BATCH_LIMIT_GLB', 10, { min: 1 }),
      maxEnqueuedTokens: read.number('MAX_ENQUEUED_TOKENS', 0),
      deadlineSeconds: read.seconds('BATCH_DEADLINE', 79_200, { min: 1, max: 86_400 }),
      submitGraceSeconds: read.seconds('SUBMIT_GRACE', 120, { max: 3600 }),
      keepFilesSeconds: read.seconds('BATCH_KEEP_FILES', 0, { max: 29 * 86_400 }),
    },
    jobs: {
      leaseSeconds: read.seconds('LEASE_SECONDS', 60, { min: 1, max: 3600 }),
      retentionDays: read.number('RETENTION_DAYS', 30, { min: 1, integer: false }),
    },
    webhook: {
      schedule: readRetrySchedule(read),
      timeoutSeconds: read.seconds('WEBHOOK_TIMEOUT', 30, { min: 0.1, max: 300 }),
      secrets: readWebhookSecrets(read, keys),
      signatureFormat: read.oneOf('WEBHOOK_SIGNATURE_FORMAT', ['sha256', 'bare'], 'sha256'),
      partLots: read.number('WEBHOOK_PART_LOTS', 500, { min: 1 }),
      partBytes: read.number('WEBHOOK_PART_BYTES', MIB, { min: 1024 }),
    },
  };
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return config;
}

/** It is sent as a header, and a character that no header may contain would make every request for a photo fail. */
function readUserAgent(read: SettingReader): string {
  const userAgent = read.text('IMAGE_USER_AGENT', 'Generation-Service/2.0');
  if (!/^[\x20-\x7e]{1,500}$/.test(userAgent)) {
    read.problem('IMAGE_USER_AGENT must be 1 to 500 printable ASCII characters');
  }
  return userAgent;
}

/** The nearest folder above `start` with a package.json; src/ and dist/ are at different depths in tests and images. */
function findPackageRoot(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) throw new ConfigError(['package.json was not found above the program']);
  }
}

function readPrompt(read: SettingReader, packageRoot: string, file: string): string {
  try {
    return readFileSync(join(packageRoot, 'prompts', file), 'utf8');
  } catch {
    read.problem(`prompts/${file} cannot be read`);
    return '';
  }
}

function readGlossaries(read: SettingReader, packageRoot: string): ReadonlyMap<string, string> {
  const folder = join(packageRoot, 'glossaries');
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
    return new Map(names.map((name) => [name.replace(/\.json$/, ''), readFileSync(join(folder, name), 'utf8')]));
  } catch {
    read.problem('glossaries/ cannot be read');
    return new Map();
  }
}

/** What a sentence may hold is judged with the glossary that it becomes a part of. */
function readLimitsTexts(read: SettingReader): ReadonlyMap<string, string> {
  const given = Object.entries(read.jsonObject('LIMITS_TEXT', read.text('LIMITS_TEXT')) ?? {});
  const texts = given.filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  if (texts.length < given.length) read.problem('LIMITS_TEXT needs a sentence, as text, for each language');
  return new Map(texts);
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const;
/** The older service's names, which are Python's. */
const PYTHON_LEVELS: Readonly<Record<string, LogLevelName>> = { critical: 'fatal', warning: 'warn', info: 'log' };

function readLogLevel(read: SettingReader): LogLevelName {
  const value = read.text('LOG_LEVEL', 'log').toLowerCase();
  const level = Object.hasOwn(PYTHON_LEVELS, value)
    ? PYTHON_LEVELS[value]
    : LOG_LEVELS.find((candidate) => candidate === value);
  if (level !== undefined) return level;
  read.problem(`LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}, or critical, warning, info`);
  return 'log';
}

function readBaseUrl(read: SettingReader): string {
  const value = read.text('OPENAI_BASE_URL', 'https://api.openai.com/v1');
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
    read.problem('OPENAI_BASE_URL must be an http(s) URL');
    return value;
  }
  // A fragment is never sent. Paths are added before a query.
  const [base = '', query] = value.replace(/#.*$/, '').split(/\?(.*)/s);
  const path = base.replace(/\/+$/, '');
  return query === undefined || query === '' ? path : `${path}?${query}`;
}

function readPrices(read: SettingReader): Record<string, ModelPrice> {
  const given = read.jsonObject('OPENAI_PRICES', read.text('OPENAI_PRICES')) ?? {};
  const prices: Record<string, ModelPrice> = {};
  for (const [model, value] of Object.entries(given)) {
    const { input, cached_input, output } = (value ?? {}) as Record<string, unknown>;
    if (typeof input !== 'number' || typeof output !== 'number') {
      read.problem('OPENAI_PRICES needs the numbers input and output (USD per million tokens) for each model');
      continue;
    }
    prices[model] = { input, output, cachedInput: typeof cached_input === 'number' ? cached_input : input };
  }
  return prices;
}

/** Where a database is, password included. */
function readUrl(read: SettingReader, name: string): string {
  const url = read.secret(name);
  if (url !== '' && !/^postgres(ql)?:\/\//.test(url))
    read.problem(`${name} must start with postgres:// or postgresql://`);
  return url;
}
