import type { ClientWords } from '../assessment/client-words.js';
import type { ImageDetail, ModelPrice, ReasoningEffort } from '../assessment/model-traits.js';
import type { TracingSettings } from './tracing-settings.js';

/** The settings of one process, validated and typed. Built by `loadConfig` and never changed afterwards. */
export interface AppConfig {
  /** The folder that holds package.json, migrations/, prompts/ and glossaries/. */
  readonly packageRoot: string;
  readonly production: boolean;
  readonly role: Role;
  readonly http: {
    readonly port: number;
    /** The address to listen on. */
    readonly host: string;
    /** Connections at the same time; beyond them one that never sent a right signature is closed. */
    readonly maxConnections: number;
    /** Seconds that a connection may be idle between two requests. */
    readonly keepAliveSeconds: number;
    /** Express's setting: false, a number of hops, or a list of addresses. */
    readonly trustProxy: boolean | number | string;
    /** Seconds after SIGTERM in which new requests are still taken, because a proxy does not know yet; 0: no proxy. */
    readonly shutdownDelaySeconds: number;
    /** Seconds that requests in flight get after SIGTERM before they are answered 202 or cut. */
    readonly shutdownGraceSeconds: number;
  };
  readonly log: { readonly level: LogLevelName };
  readonly tracing: TracingSettings;
  readonly database: {
    /** Empty: the embedded server under `dataDir`. */
    readonly url: string;
    readonly dataDir: string;
    /** Named prepared statements; off because PgBouncer in transaction mode breaks them. */
    readonly prepared: boolean;
    readonly poolSize: number;
    /** A streaming replica of the database, for reads; empty: there is none. */
    readonly readUrl: string;
    readonly readPoolSize: number;
    /** Where ROLE=migrate brings the large tables on a Citus; no other role reads it. */
    readonly citus?: {
      readonly aim: 'as-is' | 'distributed' | 'local';
      /** Into how many parts each table is cut. */
      readonly shardCount: number;
      /** `none`: a group of shards of their own; else the name of a table beside whose shards they are kept. */
      readonly colocateWith: string;
    };
    /** Seconds after which the server ends a statement. Commands beside the service set it; no setting does. */
    readonly statementSeconds?: number;
  };
  readonly auth: {
    /** Key id to its one or two live secrets, newest first. */
    readonly keys: ReadonlyMap<string, readonly string[]>;
    /** Which key ids may use the lots signature: all, none, or those listed. */
    readonly lotsSignature: boolean | ReadonlySet<string>;
    readonly legacyUnsignedReads: boolean;
  };
  readonly openai: {
    /** Empty: the sandbox is started in its place. */
    readonly apiKey: string;
    /** May end with a query, which goes with every request. */
    readonly baseUrl: string;
    /** Sent with every request besides our own; null: the SDK's header of that name is left out. Values are secret. */
    readonly headers: Readonly<Record<string, string | null>>;
    /** Sent with every request and part of the upstream's fingerprint; empty: the key's own project. */
    readonly projectId: string;
    /**
     * Replaces base URL and project in the upstream's fingerprint, so that the sandbox is the same upstream on any
     * port.
     */
    readonly upstream?: string;
    readonly visionModel: string;
    readonly visionEffort: ReasoningEffort;
    readonly translationModel: string;
    readonly translationEffort: ReasoningEffort;
    readonly imageDetail: ImageDetail;
    readonly visionMaxOutputTokens: number;
    readonly translationMaxOutputTokens: number;
    /** At most this many tries of one call. */
    readonly retryAttempts: number;
    readonly baseDelaySeconds: number;
    /** Seconds that one call may take, its tries and the waits between them included. */
    readonly timeoutSeconds: number;
    /** USD per million tokens by model, on top of the built-in table. */
    readonly prices: Readonly<Record<string, ModelPrice>>;
  };
  readonly prompts: {
    /** prompts/vision.md as read, front matter included. */
    readonly vision: string;
    /** prompts/translation.md as read, front matter included. */
    readonly translation: string;
    /** prompts/glossary.md as read, front matter included. */
    readonly glossary: string;
    /** VISION_SYSTEM_PROMPT: replaces the body of prompts/vision.md. */
    readonly visionOverride: string;
  };
  /** Whether every request gets notes, as if it had asked for them. */
  readonly notes: boolean;
  /** The files of glossaries/ as read, by name without `.json`. */
  readonly glossaries: ReadonlyMap<string, string>;
  /** LIMITS_TEXT: the sentence on what photos never show, by language tag; a language without one has its glossary's. */
  readonly limitsTexts: ReadonlyMap<string, string>;
  /** GLOSSARY_WORDS: words in place of a glossary's, by key id; what a word may be is judged with the glossaries. */
  readonly glossaryWords: ReadonlyMap<string, ClientWords>;
  readonly limits: {
    readonly maxLots: number;
    readonly maxSyncImages: number;
    readonly maxLotImages: number;
    readonly maxLanguages: number;
    readonly maxBodyBytes: number;
    readonly maxUploads: number;
    readonly spoolMaxBytes: number;
    readonly maxActiveJobs: number;
    /** Where requests of a minute and open event streams are counted: by each process, or by all together. */
    readonly rateLimitStore: 'memory' | 'postgres';
    readonly ratePerMinute: { readonly sync: number; readonly batch: number; readonly polling: number };
  };
  readonly images: {
    readonly maxBytes: number;
    readonly headTimeoutSeconds: number;
    readonly getTimeoutSeconds: number;
    /** Share of unreachable photos (0 to 1) above which a lot is refused. */
    readonly maxUnreachable: number;
    /** Whether photos that OpenAI cannot take are fetched and sent by us. */
    readonly carry: boolean;
    /** The User-Agent of requests for photos. */
    readonly userAgent: string;
  };
  readonly outbound: {
    /** Hosts and CIDRs that pass the guard, on any port. */
    readonly allow: readonly string[];
  };
  readonly sync: { readonly timeoutSeconds: number; readonly translationTimeoutSeconds: number };
  readonly batch: {
    readonly pollIntervalSeconds: number;
    readonly activeLimitPerKey: number;
    readonly activeLimitGlobal: number;
    /** 0: no limit of our own, only what OpenAI answers. */
    readonly maxEnqueuedTokens: number;
    readonly deadlineSeconds: number;
    readonly submitGraceSeconds: number;
    /** Seconds that an ended batch's files stay at OpenAI, so that a restored database finds the answers again. */
    readonly keepFilesSeconds: number;
  };
  readonly jobs: { readonly leaseSeconds: number; readonly retentionDays: number };
  readonly webhook: {
    /** Seconds to wait before each attempt, counted from the attempt before. */
    readonly schedule: readonly number[];
    readonly timeoutSeconds: number;
    /** Key id to its Standard Webhooks secrets (`whsec_…`), newest first; empty: the shared key's bytes. */
    readonly secrets: ReadonlyMap<string, readonly string[]>;
    readonly signatureFormat: 'sha256' | 'bare';
    readonly partLots: number;
    readonly partBytes: number;
  };
}

export type Role = 'api' | 'worker' | 'all' | 'migrate';
export type LogLevelName = 'fatal' | 'error' | 'warn' | 'log' | 'debug' | 'verbose';

/** Injection token of {@link AppConfig}. */
export const APP_CONFIG = Symbol('APP_CONFIG');
