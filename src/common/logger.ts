import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import { currentRequestId } from './request-context.js';
import { currentTraceId } from './spans.js';

const LEVELS: readonly LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'];

/** Names whose values never reach a log line. */
const REDACTED = [
  'authorization',
  'Authorization',
  'apiKey',
  'api_key',
  'secret',
  'secrets',
  'signature',
  'x-signature',
  'password',
  'cookie',
];

/**
 * JSON lines on standard output with the running request's id in each, and the trace's where traces are on. Messages must be constant texts, and facts go
 * into the params object, because redaction looks at names and not into texts.
 */
export class JsonLogger extends ConsoleLogger {
  constructor(level: LogLevel) {
    super({
      json: true,
      flattenParams: true,
      redact: REDACTED,
      logLevels: LEVELS.slice(0, LEVELS.indexOf(level) + 1),
      colors: false,
    });
  }

  protected override getJsonLogObject(
    ...args: Parameters<ConsoleLogger['getJsonLogObject']>
  ): ReturnType<ConsoleLogger['getJsonLogObject']> {
    const line = super.getJsonLogObject(...args);
    const requestId = currentRequestId();
    if (requestId !== undefined) Object.assign(line, { request_id: requestId });
    const traceId = currentTraceId();
    return traceId === undefined ? line : Object.assign(line, { trace_id: traceId });
  }
}
