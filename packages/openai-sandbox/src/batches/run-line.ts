import type { RequestLog } from '../control/request-log.js';
import { ruleFor, type FaultBook } from '../faults/fault-book.js';
import { statusError } from '../faults/request-faults.js';
import { errorReply } from '../http/error-reply.js';
import { requestKind } from '../http/pipeline.js';
import { objectAt, parseObject, stringAt } from '../json.js';
import type { Usage } from '../responses/response-object.js';
import type { Responder } from '../responses/responder.js';
import { newObjectId } from '../seeded.js';

/** The result of one line of a batch. */
export interface LineResult {
  /** The lines to write: one, two for a doubled one, none for a missing one. */
  readonly lines: readonly string[];
  readonly to: 'output' | 'error';
  readonly usage: Usage | null;
}

/** Runs single lines of batches, with the faults that strike lines. */
export class LineRunner {
  constructor(
    private readonly responder: Responder,
    private readonly faults: FaultBook,
    private readonly log: RequestLog,
  ) {}

  /** @throws only when the signal aborts */
  async run(text: string, signal: AbortSignal): Promise<LineResult> {
    const request = parseObject(text) ?? {};
    const customId = stringAt(request, 'custom_id') ?? '';
    const body = objectAt(request, 'body');
    const model = stringAt(body, 'model');
    const kind = requestKind(text);
    const faults = this.faults.strike('line', { model, kind, text, within: 'line', key: customId });
    const notRun = ruleFor(faults, 'line_not_run');
    if (notRun !== undefined) return { lines: [notRunLine(customId, notRun.code)], to: 'error', usage: null };
    const status = ruleFor(faults, 'line_status');
    let result: LineResult;
    try {
      if (status !== undefined) throw statusError(status.status ?? 500, status);
      const response = await this.responder.respond(body, { within: 'line', text, key: customId }, signal);
      result = { lines: [lineOf(customId, 200, response)], to: 'output', usage: response.usage };
    } catch (error) {
      signal.throwIfAborted();
      // A fault of the sandbox, too, is this line's alone: without a result for each line its batch would never end.
      const { status: code, body: told } = errorReply(error);
      result = { lines: [lineOf(customId, code, told)], to: 'error', usage: null };
    }
    this.log.count(`lines ${model ?? ''} ${kind} ${result.to}`);
    if (ruleFor(faults, 'line_missing') !== undefined) return { ...result, lines: [] };
    if (ruleFor(faults, 'line_double') !== undefined) return { ...result, lines: [...result.lines, ...result.lines] };
    if (ruleFor(faults, 'line_broken') === undefined) return result;
    return { ...result, lines: result.lines.map((line) => line.slice(0, Math.floor(line.length / 2))) };
  }
}

function lineOf(customId: string, status: number, body: unknown): string {
  const response = { status_code: status, request_id: newObjectId('req_'), body };
  return JSON.stringify({ id: newObjectId('batch_req_', 12), custom_id: customId, response, error: null });
}

/** A line that was never run: its batch expired or was cancelled first. */
export function notRunLine(customId: string, code = 'batch_expired'): string {
  const message =
    code === 'batch_cancelled'
      ? 'This request was not executed because the batch was cancelled.'
      : 'This request could not be executed before the completion window expired.';
  const id = newObjectId('batch_req_', 12);
  return JSON.stringify({ id, custom_id: customId, response: null, error: { code, message } });
}

/** The custom_id of a raw line. */
export function customIdOf(text: string): string {
  return stringAt(parseObject(text) ?? {}, 'custom_id') ?? '';
}
