import { isObject, numberAt, stringAt, type JsonObject } from '../json.js';

/**
 * The faults that can be caused, by the place where they strike: a request (any endpoint), a model's answer (POST
 * /v1/responses and batch lines alike), a line of a batch's output, a batch as a whole (decided when it is created), a
 * model.
 */
export const FAULT_ACTIONS = {
  /** `ms` of delay, then on as usual; a POST that creates something continues even when its client has disconnected. */
  latency: 'request',
  /** Answers `status` with `code`, `message`, `retry_after` (seconds), `retry_after_ms`. */
  status: 'request',
  /** 429 insufficient_quota. */
  quota: 'request',
  /** Never answers. */
  hang: 'request',
  /** Closes the connection without an answer. */
  reset: 'request',
  /** Announces the whole body, sends `share` (0.5) of it and closes the connection. */
  cut_body: 'request',
  /** Announces the whole body, sends `share` (0.5) of it and then nothing more. */
  stall_body: 'request',
  /** 200 with an HTML page, as proxies answer. */
  html: 'request',

  /** A `refusal` part in place of the text. */
  refusal: 'answer',
  /** Status `incomplete` with `reason` (max_output_tokens or content_filter) and half of the text. */
  incomplete: 'answer',
  /** Completed, but the text is cut JSON. */
  broken_json: 'answer',
  /** Completed, valid JSON, but not what the schema asks for. */
  schema_violation: 'answer',
  /** The model obeys instructions in the client's text: it repeats the text, HTML and addresses included. */
  obey: 'answer',
  /** The rows of `scene` whatever the photos show: a crash, a hail car, an answer that says nothing (`src/cars/` lists them). */
  scene: 'answer',
  /** Completed, without any message. */
  empty: 'answer',
  /** 200 whose status is `failed`, with `code` (server_error). */
  failed: 'answer',
  /**
   * The model says it cannot take a photo: the first whose address holds `contains`, else the first. `code`
   * (invalid_value) chooses the text, `message` replaces it ({photo} stands for the address), `named` says how the
   * photo is named, if at all.
   */
  image_error: 'answer',

  /** The line's response carries `status` and `code`. */
  line_status: 'line',
  /** The line is in neither file. */
  line_missing: 'line',
  /** The line is written twice. */
  line_double: 'line',
  /** `response:null` and `error.code` = `code` (batch_expired). */
  line_not_run: 'line',
  /** The line is cut JSON. */
  line_broken: 'line',

  /** Ends `failed` after validation with `code` (token_limit_exceeded …). */
  batch_fail: 'batch',
  /** Stays in `state` (validating, in_progress, finalizing, cancelling) until it is cancelled or expires. */
  batch_stuck: 'batch',
  /** Expires after `share` (0.5) of its lines. */
  batch_expire: 'batch',
  /** 404, and not in the list, for `seconds` after it was created. */
  batch_hidden: 'batch',
  /** request_counts that do not add up. */
  batch_counts_off: 'batch',

  /** The model does not exist any more: 404 model_not_found, also for batches. */
  model_gone: 'model',
} as const satisfies Record<string, FaultScope>;

export type FaultScope = 'request' | 'answer' | 'line' | 'batch' | 'model';
export type FaultAction = keyof typeof FAULT_ACTIONS;

/**
 * How an error names a photo: by its address in some form, by `input[0].content[n].image_url`, by its file name, or not
 * at all.
 */
const PHOTO_NAMINGS = ['address', 'escaped', 'encoded', 'cut', 'file', 'position', 'none'] as const;
export type PhotoNaming = (typeof PHOTO_NAMINGS)[number];

/** One rule of POST /sandbox/faults. Every given condition must hold; without any, the rule strikes always. */
export interface FaultRule {
  readonly id: string;
  readonly action: FaultAction;
  readonly method?: string;
  /** Path below the host, `*` for any run of characters: `/v1/batches/*`. */
  readonly path?: string;
  readonly model?: string;
  /** With photos (`vision`) or without (`translation`). */
  readonly kind?: 'vision' | 'translation';
  /** A text that the request's body, or the batch line, must hold. */
  readonly contains?: string;
  /** `line`: only inside batches; `http`: only outside. For faults of an answer. */
  readonly within?: 'line' | 'http';
  /** Leaves the first n matching cases alone. */
  readonly skip?: number;
  /** Strikes at most n times. */
  readonly count?: number;
  /** 0 to 1, decided by the seed and the case: the same run gives the same faults. */
  readonly probability?: number;
  readonly seed?: string;
  /** A request fault only: the request does its work first, then its answer is lost in this way. */
  readonly after?: boolean;
  readonly ms?: number;
  readonly seconds?: number;
  readonly share?: number;
  readonly status?: number;
  readonly code?: string;
  readonly message?: string;
  readonly retry_after?: number;
  readonly retry_after_ms?: number;
  readonly reason?: string;
  readonly named?: PhotoNaming;
  readonly state?: string;
  readonly scene?: string;
}

const STRINGS = ['method', 'path', 'model', 'contains', 'seed', 'code', 'message', 'reason', 'state', 'scene'] as const;
const NUMBERS = [
  'skip',
  'count',
  'probability',
  'ms',
  'seconds',
  'share',
  'status',
  'retry_after',
  'retry_after_ms',
] as const;
const OTHERS = ['id', 'action', 'kind', 'within', 'after', 'named'];
const KNOWN = new Set<string>([...STRINGS, ...NUMBERS, ...OTHERS]);

/**
 * @throws Error naming the member that is wrong, because a mistyped rule that never strikes would make a test pass for
 * no reason
 */
export function parseFaultRule(value: unknown, id: string): FaultRule {
  if (!isObject(value)) throw new Error('a fault rule must be an object');
  const unknown = Object.keys(value).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) throw new Error(`a fault rule has no member '${unknown}'`);
  const action = value['action'];
  if (typeof action !== 'string' || !(action in FAULT_ACTIONS)) {
    throw new Error(`action must be one of ${Object.keys(FAULT_ACTIONS).join(', ')}`);
  }
  for (const name of STRINGS) checkType(value, name, 'string');
  for (const name of NUMBERS) checkType(value, name, 'number');
  if (value['kind'] !== undefined && value['kind'] !== 'vision' && value['kind'] !== 'translation') {
    throw new Error('kind must be vision or translation');
  }
  if (value['within'] !== undefined && value['within'] !== 'line' && value['within'] !== 'http') {
    throw new Error('within must be line or http');
  }
  if (value['named'] !== undefined && !PHOTO_NAMINGS.some((naming) => naming === value['named'])) {
    throw new Error(`named must be one of ${PHOTO_NAMINGS.join(', ')}`);
  }
  const probability = numberAt(value, 'probability');
  if (probability !== undefined && (probability < 0 || probability > 1)) {
    throw new Error('probability must be from 0 to 1');
  }
  checkType(value, 'after', 'boolean');
  return { ...value, id: stringAt(value, 'id') ?? id, action: action as FaultAction };
}

function checkType(value: JsonObject, name: string, type: 'string' | 'number' | 'boolean'): void {
  if (value[name] !== undefined && typeof value[name] !== type) throw new Error(`${name} must be a ${type}`);
}
