import { SpanKind, SpanStatusCode, type Attributes } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { describe, expect, it } from 'vitest';
import { exportedSpan } from '../../src/tracing/exported-span.js';

/** What leaves of a span with these attributes, with an exception and with an error's text. */
function exported(attributes: Attributes, kind = SpanKind.INTERNAL) {
  const memory = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] });
  const span = provider.getTracer('test').startSpan('work', { kind, attributes });
  span.recordException(new Error('the value "client text" is wrong'));
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'the value "client text" is wrong' });
  span.end();
  const [finished] = memory.getFinishedSpans();
  if (finished === undefined) throw new Error('no span was finished');
  return exportedSpan(finished);
}

describe('a span that leaves', () => {
  it('a span that leaves has the attributes of the list and no other', () => {
    const { attributes } = exported({
      'job.id': 'a-job',
      'http.route': '/api/v1/usage',
      'url.full': 'https://photos.example/a.jpg?token=secret',
      'url.query': '?token=secret',
      'user_agent.original': 'a client',
      'http.request.header.x_signature': 'secret',
      'db.postgresql.values': ['client text'],
    });
    expect(attributes).toEqual({ 'job.id': 'a-job', 'http.route': '/api/v1/usage' });
  });

  it('a span that leaves has no exception and no message', () => {
    const span = exported({});
    expect([span.events, span.links, span.status]).toEqual([[], [], { code: SpanStatusCode.ERROR }]);
  });

  it.each([
    ['a request that goes out', SpanKind.CLIENT, { 'server.address': 'api.example', 'server.port': 443 }],
    ['a request that comes in, whose Host header its client wrote', SpanKind.SERVER, {}],
  ])('a span that leaves names the server of %s: %o', (_, kind, left) => {
    expect(exported({ 'server.address': 'api.example', 'server.port': 443 }, kind).attributes).toEqual(left);
  });

  it.each([
    ['23505', { 'error.type': '23505' }],
    ['OutboundError', { 'error.type': 'OutboundError' }],
    ['the value "client text" is wrong', {}],
  ])('a span that leaves has an error of the type %j as %o', (type, left) => {
    expect(exported({ 'error.type': type }).attributes).toEqual(left);
  });

  it('a span that leaves has the beginning of a long statement', () => {
    const { attributes } = exported({ 'db.query.text': `select ${'x'.repeat(5000)}` });
    expect(attributes['db.query.text']).toHaveLength(1000);
  });
});
