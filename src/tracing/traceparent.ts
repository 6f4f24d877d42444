import type { Context, TextMapGetter, TextMapPropagator, TextMapSetter } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';

const HEADER = 'traceparent';

/**
 * W3C trace context without `tracestate` and `baggage`: what a client writes there is text of its own, and would be
 * passed on to OpenAI.
 */
export class Traceparent implements TextMapPropagator {
  private readonly w3c = new W3CTraceContextPropagator();

  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    this.w3c.inject(context, carrier, {
      set: (target, name, value) => {
        if (name === HEADER) setter.set(target, name, value);
      },
    });
  }

  extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    return this.w3c.extract(context, carrier, {
      keys: (source) => getter.keys(source),
      get: (source, name) => (name === HEADER ? getter.get(source, name) : undefined),
    });
  }

  fields(): string[] {
    return [HEADER];
  }
}
