import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { traceWith } from '../common/spans.js';
import type { AppConfig } from '../config/app-config.js';
import { BoundedSampler } from './bounded-sampler.js';
import { jobIdOf, OwnSpans } from './own-spans.js';
import { SpanSender } from './span-sender.js';
import { Traceparent } from './traceparent.js';
import { watchLibraries } from './watched-libraries.js';

/** Spans that wait to be sent. When there are more, the newest are dropped: memory stays bounded while a collector is away. */
const QUEUE = { maxQueueSize: 4096, maxExportBatchSize: 512, scheduledDelayMillis: 2000, exportTimeoutMillis: 10_000 };
/** For one request to the collector, its retries included. */
const SEND_MS = 5000;
/** What the end of the process may wait for the last spans. */
const LAST_MS = 3000;

/**
 * Starts traces for this process. Must come before the application is made, because express is changed by it; and after the
 * sandbox is started, because OpenAI's address must be known.
 */
export function startTracing({ tracing, openai, role }: AppConfig): { stop(): Promise<void> } {
  const { endpoint, headers, serviceName, ratio } = tracing;
  const exporter = new OTLPTraceExporter({
    url: `${endpoint}/v1/traces`,
    headers: { ...headers },
    timeoutMillis: SEND_MS,
  });
  const share = new TraceIdRatioBasedSampler(ratio);
  // A client's mark that its request is sampled does not count, or anybody could have every request traced.
  const sampler = new BoundedSampler(new ParentBasedSampler({ root: share, remoteParentSampled: share }));
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName, 'service.instance.role': role }),
    sampler,
    spanProcessors: [jobIds(), new BatchSpanProcessor(new SpanSender(exporter, new URL(endpoint).host), QUEUE)],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new Traceparent());
  trace.setGlobalTracerProvider(provider);
  const watched = watchLibraries(new URL(openai.baseUrl).origin);
  traceWith(new OwnSpans(trace.getTracer('generation-service')));
  return {
    async stop() {
      traceWith(undefined);
      for (const instrumentation of watched) instrumentation.disable();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, LAST_MS)));
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
      clearTimeout(timer);
    },
  };
}

/** Puts the job's id on every span of its work, those of the libraries included, so that a search by it finds all. */
function jobIds(): SpanProcessor {
  return {
    onStart(span, parent) {
      const jobId = jobIdOf(parent);
      if (jobId !== undefined) span.setAttribute('job.id', jobId);
    },
    onEnd: () => undefined,
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}
