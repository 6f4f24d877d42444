import type { Readable } from 'node:stream';
import { Breather } from '../concurrency.js';
import { isObject, objectAt, parseObject, stringAt, type JsonObject } from '../json.js';
import { photoTokens, textTokens } from '../responses/token-estimate.js';
import type { BatchProblem } from './batch-record.js';
import { readLines } from './lines.js';

const MOST_LINES = 50_000;
const MOST_PROBLEMS = 100;

export interface ValidatedInput {
  /** Empty: the batch may run. */
  readonly problems: BatchProblem[];
  readonly lines: number;
  readonly model: string | null;
  /** Input tokens that it takes of the model's queue. */
  readonly tokens: number;
}

/**
 * Reads a batch's whole input with flat memory (but for the custom_ids) and finds what keeps it from running.
 * The bodies themselves are judged line by line when they run, as at OpenAI.
 * @param isServed - false for a model that does not exist (any more)
 * @param isStopped - true ends the reading early: the batch was cancelled or the sandbox closes
 */
export async function validateInput(
  input: Readable,
  isServed: (model: string) => boolean,
  isStopped: () => boolean,
): Promise<ValidatedInput> {
  const check = new InputCheck(isServed);
  const breather = new Breather();
  for await (const { number, text } of readLines(input)) {
    check.line(number, text);
    await breather.breathe();
    if (isStopped()) break;
  }
  return check.result();
}

class InputCheck {
  private readonly ids = new Set<string>();
  private readonly problems: BatchProblem[] = [];
  private lines = 0;
  private tokens = 0;
  private model: string | null = null;

  constructor(private readonly isServed: (model: string) => boolean) {}

  line(number: number, text: string): void {
    this.lines++;
    if (this.lines === MOST_LINES + 1) {
      this.problem('too_many_requests', `The batch input file has more than ${MOST_LINES} requests.`, null, null);
    }
    const request = parseObject(text);
    if (request === undefined) {
      this.problem('invalid_json_line', 'This line is not parseable as valid JSON.', null, number);
      return;
    }
    this.checkEnvelope(request, number);
    const body = objectAt(request, 'body');
    const model = stringAt(body, 'model');
    if (model === undefined) this.problem('missing_required_parameter', MISSING('body.model'), 'body.model', number);
    else this.checkModel(model, number);
    const photos = text.split('"input_image"').length - 1;
    const detail = /"detail":\s*"(low|high|auto|original)"/.exec(text)?.[1] as 'low' | 'high' | undefined;
    this.tokens += textTokens(text) + photos * photoTokens(model ?? '', detail ?? 'high');
  }

  result(): ValidatedInput {
    if (this.lines === 0) this.problem('empty_file', 'The batch input file is empty.', 'input_file_id', null);
    return { problems: this.problems, lines: this.lines, model: this.model, tokens: this.tokens };
  }

  private checkEnvelope(request: JsonObject, number: number): void {
    const id = stringAt(request, 'custom_id');
    if (id === undefined) {
      this.problem('missing_required_parameter', MISSING('custom_id'), 'custom_id', number);
    } else if (this.ids.has(id)) {
      const message = `The custom_id '${id}' has already been used in this batch. Each custom_id must be unique.`;
      this.problem('duplicate_custom_id', message, 'custom_id', number);
    } else {
      this.ids.add(id);
    }
    if (request['method'] !== 'POST') this.problem('invalid_method', 'Invalid method. Must be POST.', 'method', number);
    if (request['url'] !== '/v1/responses') {
      const message = 'The URL of this request does not match the endpoint of the batch (/v1/responses).';
      this.problem('invalid_url', message, 'url', number);
    }
    if (!isObject(request['body'])) this.problem('missing_required_parameter', MISSING('body'), 'body', number);
  }

  private checkModel(model: string, number: number): void {
    if (this.model === null) {
      this.model = model;
      if (!this.isServed(model)) {
        const message = `The provided model '${model}' is not supported by the Batch API.`;
        this.problem('model_not_found', message, 'body.model', number);
      }
    } else if (this.model !== model) {
      const message = `The model '${model}' of this request does not match the rest of the batch ('${this.model}'). Each batch must hold requests to a single model.`;
      this.problem('mismatched_model', message, 'body.model', number);
    }
  }

  private problem(code: string, message: string, param: string | null, line: number | null): void {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push({ code, message, param, line });
  }
}

const MISSING = (param: string) => `Missing required parameter: '${param}'.`;

/** The model that the first line names: what a batch reports from its creation on. */
export async function firstModel(input: Readable): Promise<string | null> {
  for await (const { text } of readLines(input)) {
    const request = parseObject(text);
    return request === undefined ? null : (stringAt(objectAt(request, 'body'), 'model') ?? null);
  }
  return null;
}
