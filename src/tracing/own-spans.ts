import {
  context,
  createContextKey,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Tracer,
} from '@opentelemetry/api';
import { getRPCMetadata } from '@opentelemetry/core';
import type { SpanFacts, SpanPlace, Tracing } from '../common/spans.js';
import { newShare, withShare, type SpanShare } from './bounded-sampler.js';

const JOB_ID = createContextKey('job id');

/** The job that work in this context belongs to. */
export function jobIdOf(from: Context): string | undefined {
  return from.getValue(JOB_ID) as string | undefined;
}

/** The spans that the rooms ask for, made by OpenTelemetry. */
export class OwnSpans implements Tracing {
  constructor(private readonly tracer: Tracer) {}

  async inSpan<T>(name: string, facts: SpanFacts, work: () => Promise<T>, { kind, root }: SpanPlace): Promise<T> {
    const share = root === true ? newShare() : undefined;
    const parent = this.placeOf(facts, share);
    // The share is for what is below this span.
    const options = { kind: kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL, attributes: attributesOf(facts) };
    const span = this.tracer.startSpan(name, options, parent);
    try {
      return await context.with(trace.setSpan(parent, span), work);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.setAttribute('error.type', typeOf(error));
      throw error;
    } finally {
      if (share !== undefined && share.leftOut > 0) span.setAttribute('spans.left_out', share.leftOut);
      span.end();
    }
  }

  note(facts: SpanFacts): void {
    trace.getActiveSpan()?.setAttributes(attributesOf(facts));
  }

  noteOnRequest(facts: SpanFacts): void {
    getRPCMetadata(context.active())?.span.setAttributes(attributesOf(facts));
  }

  outside(work: () => void): void {
    context.with(ROOT_CONTEXT, work);
  }

  traceId(): string | undefined {
    return trace.getActiveSpan()?.spanContext().traceId;
  }

  private placeOf(facts: SpanFacts, share: SpanShare | undefined): Context {
    const place = share === undefined ? context.active() : withShare(ROOT_CONTEXT, share);
    const jobId = facts['job.id'];
    return jobId === undefined ? place : place.setValue(JOB_ID, jobId);
  }
}

function attributesOf(facts: SpanFacts): Attributes {
  return facts as Attributes;
}

/** The kind or code that our errors and the system's carry; a message may quote a client and is never taken. */
function typeOf(error: unknown): string {
  const { kind, code, name } = (error ?? {}) as { kind?: unknown; code?: unknown; name?: unknown };
  const [type] = [kind, code, name].filter((each) => typeof each === 'string');
  return type ?? 'unknown';
}
