import { ApiError, invalid, missingParameter, wrongType, wrongValue } from '../http/api-error.js';
import type { FaultBook } from '../faults/fault-book.js';
import type { FileStore } from '../files/file-store.js';
import { isObject, shown, typeName, type JsonObject } from '../json.js';
import { checkMetadata } from '../responses/validate-metadata.js';
import type { SandboxClock } from '../sandbox-clock.js';
import { newObjectId } from '../seeded.js';
import type { BatchRecord } from './batch-record.js';
import type { BatchStore } from './batch-store.js';
import { firstModel } from './validate-batch.js';

const KNOWN = new Set(['input_file_id', 'endpoint', 'completion_window', 'metadata', 'output_expires_after']);
const ENDPOINTS = ['/v1/responses'];
const DAY_SECONDS = 86_400;
const LIFE = { least: 3600, most: 2_592_000 };
/** Batches that an account may create within an hour. */
const MOST_AN_HOUR = 2000;

/** Checks and records new batches; the engine runs them. */
export class BatchCreator {
  constructor(
    private readonly store: BatchStore,
    private readonly files: FileStore,
    private readonly faults: FaultBook,
    private readonly clock: SandboxClock,
  ) {}

  /**
   * A new batch, kept on disk, in the state `validating`.
   * @throws ApiError 400 for a wrong member or an input file that is not there, 429 above 2,000 an hour
   */
  async create(json: unknown, text: string): Promise<BatchRecord> {
    const body = checkBody(json);
    const fileId = String(body['input_file_id']);
    const file = this.files.find(fileId);
    if (file === undefined) throw invalid(`No such File object: ${fileId}`, 'input_file_id', null);
    if (file.purpose !== 'batch') {
      throw invalid(
        `Invalid file '${fileId}': expected purpose 'batch', got '${file.purpose}'.`,
        'input_file_id',
        null,
      );
    }
    this.checkRate();
    const model = await firstModel(this.files.read(fileId, 16 * 1024));
    const context = { method: 'POST', path: '/v1/batches', model: model ?? undefined, text };
    const created = this.clock.seconds();
    const record: BatchRecord = {
      id: newObjectId('batch_', 16),
      sequence: this.store.nextSequence(),
      input_file_id: fileId,
      created_at: created,
      expires_at: created + DAY_SECONDS,
      metadata: isObject(body['metadata']) ? body['metadata'] : null,
      output_life: outputLife(body['output_expires_after']),
      fate: this.faults.strike('batch', context),
      status: 'validating',
      model,
      problems: [],
      output_file_id: null,
      error_file_id: null,
      entered: { validating: created },
      counts: { total: 0, completed: 0, failed: 0 },
      tokens: { input: 0, cached: 0, output: 0, reasoning: 0 },
      enqueued: 0,
    };
    await this.store.save(record);
    return record;
  }

  private checkRate(): void {
    const since = this.clock.seconds() - 3600;
    if (this.store.list().filter(({ created_at }) => created_at > since).length < MOST_AN_HOUR) return;
    const message = `Rate limit reached for batch creation: at most ${MOST_AN_HOUR} batches an hour.`;
    throw new ApiError(429, message, { type: 'requests', code: 'rate_limit_exceeded' });
  }
}

function checkBody(json: unknown): JsonObject {
  if (!isObject(json)) throw invalid('Invalid request: expected a JSON object.', null, 'invalid_type');
  for (const name of Object.keys(json)) {
    if (!KNOWN.has(name)) throw invalid(`Unknown parameter: '${name}'.`, name, 'unknown_parameter');
  }
  for (const name of ['input_file_id', 'endpoint', 'completion_window']) {
    const value = json[name];
    if (value === undefined || value === null) throw missingParameter(name);
    if (typeof value !== 'string') throw wrongType(name, 'a string', typeName(value));
  }
  if (!ENDPOINTS.includes(shown(json['endpoint']))) throw wrongValue('endpoint', json['endpoint'], ENDPOINTS);
  if (json['completion_window'] !== '24h') {
    throw wrongValue('completion_window', json['completion_window'], ['24h']);
  }
  checkMetadata(json['metadata']);
  return json;
}

function outputLife(value: unknown): number | null {
  if (value === undefined || value === null) return null;
  if (!isObject(value)) throw wrongType('output_expires_after', 'an object', typeName(value));
  if (value['anchor'] !== 'created_at') {
    throw wrongValue('output_expires_after.anchor', value['anchor'], ['created_at']);
  }
  const seconds = value['seconds'];
  if (typeof seconds !== 'number' || seconds < LIFE.least || seconds > LIFE.most) {
    const message = `Invalid 'output_expires_after.seconds': expected a value from ${LIFE.least} to ${LIFE.most}.`;
    throw invalid(message, 'output_expires_after.seconds', 'invalid_value');
  }
  return seconds;
}
