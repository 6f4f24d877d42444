import type { Attributes, SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

/**
 * The attributes that leave the process. A list of what may pass, because an instrumentation's next release may add
 * others: addresses with tokens in their query, a client's headers, the text of an error that quotes what was sent.
 */
const PASSES: ReadonlySet<string> = new Set([
  // Of our own spans.
  'job.id',
  'stage',
  'stage.first_position',
  'spans.left_out',
  'lot.photos',
  'lot.photos_missing',
  'outcome',
  'purpose',
  'openai.operation',
  'openai.model',
  'openai.request_id',
  'openai.try',
  'delivery.id',
  'delivery.event',
  'delivery.attempt',
  'error.type',
  // Of the instrumentations.
  'http.request.method',
  'http.response.status_code',
  'http.route',
  'network.protocol.version',
  'express.type',
  'db.system.name',
  'db.namespace',
  'db.query.text',
]);
/** Whom a request goes to. A request that comes in has here what its client wrote into the Host header. */
const PASSES_OUTWARDS: ReadonlySet<string> = new Set(['server.address', 'server.port']);
/** SpanKind.SERVER; the enum itself is a const of the library, which a pure rule need not load. */
const SERVER = 1;
/** Statements are ours and hold `$1` in place of values; of a long one the beginning tells which it is. */
const MOST_CHARACTERS = 1000;

/** Codes and class names; whatever else an instrumentation puts there may be a message. */
const ERROR_TYPE = /^[\w.-]{1,64}$/;

export function exportedSpan(span: ReadableSpan): ReadableSpan {
  const { name, kind, parentSpanContext, startTime, endTime, duration, ended, resource, instrumentationScope } = span;
  return {
    name,
    kind,
    spanContext: () => span.spanContext(),
    ...(parentSpanContext !== undefined && { parentSpanContext }),
    startTime,
    endTime,
    duration,
    ended,
    resource,
    instrumentationScope,
    attributes: exportedAttributes(span.attributes, kind),
    status: withoutMessage(span.status),
    // Events of the instrumentations are exceptions with message and stack, which may quote a client.
    events: [],
    links: [],
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function exportedAttributes(attributes: Attributes, kind: number): Attributes {
  const passed: Attributes = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (!PASSES.has(name) && !(kind !== SERVER && PASSES_OUTWARDS.has(name))) continue;
    if (name === 'error.type' && !ERROR_TYPE.test(String(value))) continue;
    passed[name] = typeof value === 'string' ? value.slice(0, MOST_CHARACTERS) : value;
  }
  return passed;
}

function withoutMessage({ code }: SpanStatus): SpanStatus {
  return { code };
}
