import { isObject, parseObject, shown, type JsonObject } from '../json.js';
import { ruleFor } from '../faults/fault-book.js';
import type { FaultRule } from '../faults/fault-rules.js';
import type { ModelAnswer } from './response-object.js';
import type { ResponseRequest } from './response-request.js';
import { ruledPhotoError } from './photo-errors.js';

/** @throws ApiError for a fault that makes the model's answer an error */
export function strikeBeforeAnswer(request: ResponseRequest, faults: readonly FaultRule[]): void {
  const image = ruleFor(faults, 'image_error');
  if (image !== undefined) throw ruledPhotoError(image, request.photos);
}

/** The model's value if the model obeys the client's text, or breaks the schema. */
export function strikeValue(value: unknown, request: ResponseRequest, faults: readonly FaultRule[]): unknown {
  let struck = value;
  if (ruleFor(faults, 'obey') !== undefined) struck = obey(struck, slippedIn(request));
  if (ruleFor(faults, 'schema_violation') !== undefined && isObject(struck)) struck = breakSchema(struck);
  return struck;
}

/** The finished answer, replaced by a refusal, a cut text or a failure. */
export function strikeAnswer(answer: ModelAnswer, faults: readonly FaultRule[]): ModelAnswer {
  const failed = ruleFor(faults, 'failed');
  if (failed !== undefined) {
    const message = failed.message ?? 'The model failed to generate a response. (simulated)';
    return { ...answer, status: 'failed', error: { code: failed.code ?? 'server_error', message } };
  }
  if (ruleFor(faults, 'refusal') !== undefined) {
    return { ...answer, text: null, refusal: "Simulated: I'm sorry, but I can't help with that.", textTokens: 12 };
  }
  if (ruleFor(faults, 'empty') !== undefined) return { ...answer, text: null, textTokens: 0 };
  const half = answer.text === null ? null : answer.text.slice(0, Math.floor(answer.text.length / 2));
  if (ruleFor(faults, 'broken_json') !== undefined) return { ...answer, text: half };
  const incomplete = ruleFor(faults, 'incomplete');
  if (incomplete === undefined) return answer;
  return { ...answer, text: half, status: 'incomplete', incompleteReason: incomplete.reason ?? 'max_output_tokens' };
}

const MOST_SLIPPED = 600;

/** The texts that a gullible model would obey: the client's own words, those that look like instructions first. */
function slippedIn(request: ResponseRequest): string {
  const words = request.userTexts.flatMap((text) => text.split('\n')).map(unescaped);
  const orders = words.filter((line) => /ignore|instruct|instead|must|write|say|http|<[a-z]/i.test(line));
  return (orders.length > 0 ? orders : words).join(' ').slice(-MOST_SLIPPED);
}

/** A line of JSON as a model reads it: its texts without their escapes. */
function unescaped(line: string): string {
  const value = line.startsWith('{') ? parseObject(line) : undefined;
  return value === undefined ? line : Object.values(value).map(shown).join(' ');
}

/** Puts the orders, HTML and an address into every free text of the answer; closed lists cannot hold them. */
function obey(value: unknown, orders: string): unknown {
  if (typeof value === 'string') {
    return /\s/.test(value)
      ? `${value} Simulated obedience: ${orders} <script>alert(1)</script> https://evil.example/`
      : value;
  }
  if (Array.isArray(value)) return value.map((item: unknown) => obey(item, orders));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, obey(member, orders)]));
}

/** Valid JSON that no strict schema takes: the last member is missing and a foreign one is there. */
function breakSchema(value: JsonObject): JsonObject {
  const names = Object.keys(value);
  const kept = names.slice(0, Math.max(0, names.length - 1)).map((name) => [name, value[name]]);
  return { ...Object.fromEntries(kept), simulated_violation: true } as JsonObject;
}
