import { context, ROOT_CONTEXT, trace, type Context } from '@opentelemetry/api';
import { RPCType, setRPCMetadata } from '@opentelemetry/core';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  ParentBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace-base';
import { describe, expect, it } from 'vitest';
import { BoundedSampler, MOST_SPANS, newShare, withShare } from '../../src/tracing/bounded-sampler.js';

/** How many of `count` spans below a first one are recorded. */
function recorded(place: Context, count: number, root: Sampler = new AlwaysOnSampler()): number {
  const sampler = new BoundedSampler(new ParentBasedSampler({ root }));
  const tracer = new BasicTracerProvider({ sampler }).getTracer('test');
  const below = trace.setSpan(place, tracer.startSpan('first', {}, place));
  const spans = Array.from({ length: count }, () => tracer.startSpan('below', {}, below));
  return spans.filter((span) => span.isRecording()).length;
}

describe('the share of spans', () => {
  it('the share of spans of a stage is full at its limit, and what is left out is counted', () => {
    const share = newShare();
    expect(recorded(withShare(ROOT_CONTEXT, share), MOST_SPANS + 20)).toBe(MOST_SPANS - 1);
    expect(share).toEqual({ left: 0, leftOut: 21 });
  });

  it('the share of spans of each request is its own', () => {
    const request = () => {
      const span = trace.wrapSpanContext({ traceId: '', spanId: '', traceFlags: 0 });
      return setRPCMetadata(context.active(), { type: RPCType.HTTP, span });
    };
    for (const place of [request(), request()]) expect(recorded(place, MOST_SPANS + 20)).toBe(MOST_SPANS - 1);
  });

  it('the share of spans is for what is recorded: a trace that is not leaves it whole', () => {
    const share = newShare();
    expect(recorded(withShare(ROOT_CONTEXT, share), 20, new AlwaysOffSampler())).toBe(0);
    expect(share).toEqual({ left: MOST_SPANS, leftOut: 0 });
  });
});
