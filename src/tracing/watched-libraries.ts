import { createRequire } from 'node:module';
import type { IncomingMessage } from 'node:http';
import { ExpressInstrumentation, ExpressLayerType } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';

/** Asked every few seconds by those who watch the service; each would be a trace of nothing. */
const WATCHED_PATHS = /^\/(health|ready|metrics)(\/|\?|$)/;
const JOB_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface Stoppable {
  disable(): void;
}

/**
 * Makes http, express, pg and undici tell of their work.
 *
 * An instrumentation changes a library when the library is required. Ours are imported, which it would only see with a
 * loader of its own in a second thread. But what it changes are prototypes, which the imported library shares with the
 * required one, so requiring each here has the same effect without that thread.
 * @param openAiOrigin - the only server that is told of the trace, and whose requests have a span of undici. All others are
 * named by clients: they have spans of our own, without their addresses.
 */
export function watchLibraries(openAiOrigin: string): Stoppable[] {
  const instrumentations = [
    new HttpInstrumentation({
      disableOutgoingRequestInstrumentation: true,
      ignoreIncomingRequestHook: ({ url = '' }) => WATCHED_PATHS.test(url),
      applyCustomAttributesOnSpan: (span, request) => {
        const jobId = jobIdIn(request as IncomingMessage);
        if (jobId !== undefined) span.setAttribute('job.id', jobId);
      },
    }),
    new ExpressInstrumentation({ ignoreLayersType: [ExpressLayerType.MIDDLEWARE, ExpressLayerType.ROUTER] }),
    // Without a parent: the sweeps of every second, which hardly ever find anything.
    new PgInstrumentation({ requireParentSpan: true, ignoreConnectSpans: true }),
    new UndiciInstrumentation({ ignoreRequestHook: ({ origin }) => String(origin) !== openAiOrigin }),
  ];
  const require = createRequire(import.meta.url);
  const express = createRequire(require.resolve('@nestjs/platform-express'));
  require('node:http');
  require('pg');
  express('express');
  return instrumentations;
}

/** The job that a route with `:job_id` is about; anything but an id is a client's text. */
function jobIdIn(
  request: IncomingMessage & { readonly params?: Readonly<Record<string, string>> },
): string | undefined {
  const given = request.params?.['job_id'];
  return given !== undefined && JOB_ID.test(given) ? given : undefined;
}
