import { createContextKey, type Attributes, type Context, type Link, type SpanKind } from '@opentelemetry/api';
import { getRPCMetadata } from '@opentelemetry/core';
import { SamplingDecision, type Sampler, type SamplingResult } from '@opentelemetry/sdk-trace-base';

/** Spans below one request, or one run of a stage. A stage may check 50,000 photos, and an event stream asks for hours. */
export const MOST_SPANS = 500;

/** What a request or a stage's run may still have. */
export interface SpanShare {
  left: number;
  leftOut: number;
}

const SHARE = createContextKey('share of spans');

export function newShare(): SpanShare {
  return { left: MOST_SPANS, leftOut: 0 };
}

export function withShare(context: Context, share: SpanShare): Context {
  return context.setValue(SHARE, share);
}

/** Decides like another sampler, until a request or a stage has its share of spans. */
export class BoundedSampler implements Sampler {
  /** The requests' shares, by the object that the instrumentation keeps for each. */
  private readonly requests = new WeakMap<object, SpanShare>();

  constructor(private readonly decider: Sampler) {}

  shouldSample(
    context: Context,
    traceId: string,
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const result = this.decider.shouldSample(context, traceId, name, kind, attributes, links);
    const share = this.shareOf(context);
    if (result.decision === SamplingDecision.NOT_RECORD || share === undefined) return result;
    if (share.left === 0) {
      share.leftOut += 1;
      return { decision: SamplingDecision.NOT_RECORD };
    }
    share.left -= 1;
    return result;
  }

  toString(): string {
    return `BoundedSampler{${this.decider.toString()}}`;
  }

  private shareOf(context: Context): SpanShare | undefined {
    const own = context.getValue(SHARE) as SpanShare | undefined;
    if (own !== undefined) return own;
    const request = getRPCMetadata(context);
    if (request === undefined) return undefined;
    const known = this.requests.get(request) ?? newShare();
    this.requests.set(request, known);
    return known;
  }
}
