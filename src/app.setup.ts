import { Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NextFunction, Request, Response } from 'express';
import type { AppConfig } from './config/app-config.js';
import { answerClientError } from './common/client-error.js';
import { Connections } from './common/connections/connections.js';
import { holdContinues } from './common/expect-continue.js';
import { requestIdFrom, runInContext } from './common/request-context.js';
import { Leaving, takeNoConnection } from './common/leaving.js';
import { StalledReaders } from './common/stalled-readers.js';
import { observeRequest } from './health/http-metrics.js';

/** The queue of connections that wait to be accepted: Node's 511 resets clients when 5,000 arrive at once (measured). */
export const LISTEN_BACKLOG = 8192;

/** How long a client may take to send a request's headers, and the whole of it. */
const HEADERS_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 600_000;
const CHECK_EVERY_MS = 5000;

/** Nest's options that every start of the application needs: bodies are read by the routes themselves. */
export const APPLICATION_OPTIONS = { bodyParser: false, abortOnError: false } as const;

/**
 * The HTTP set-up of every role. main.ts and the tests share it, so that the tests meet the real one.
 * @returns the server's connections, to which an api adds the rules for uploads
 */
export function setUpApp(app: NestExpressApplication, config: AppConfig): Connections {
  app.set('trust proxy', config.http.trustProxy);
  app.set('etag', false);
  app.disable('x-powered-by');
  const server = app.getHttpServer();
  const connections = new Connections(server, {
    max: config.http.maxConnections,
    headersTimeoutMs: HEADERS_TIMEOUT_MS,
  });
  app.use(enterRequest);
  app.use(leaveNoIdleConnection);
  const leaving = app.get(Leaving);
  app.use((_: Request, response: Response, next: NextFunction) => {
    leaving.watch(response);
    next();
  });
  // Longer than any usual proxy keeps an idle connection, so that it is never the server that closes under a request.
  server.keepAliveTimeout = config.http.keepAliveSeconds * 1000;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  // A 256 MiB body over a slow line; an answer may take as long as SYNC_TIMEOUT, which this does not limit.
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  // How often Node checks the two limits above; its own default is 30 s. Node reads this when the server begins to
  // listen.
  Object.assign(server, { connectionsCheckingInterval: CHECK_EVERY_MS });
  server.maxHeadersCount = 100;
  server.on('clientError', answerClientError);
  new StalledReaders(server);
  holdContinues(server);
  // A client may expect something that we do not know; we may ignore that. Node's own answer to it would not be JSON.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  return connections;
}

/** Gives each request its id, in its answer and in every log line, and the headers that all answers carry. */
function enterRequest(request: Request, response: Response, next: NextFunction): void {
  const requestId = requestIdFrom(request.headers['x-request-id']);
  response.setHeader('X-Request-Id', requestId);
  response.setHeader('Cache-Control', 'private, no-store');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  observeRequest(request, response);
  runInContext({ requestId }, next);
}

/**
 * When a server begins to close, Node ends only the connections that are idle at that moment. A connection whose answer
 * is sent later would stay open for keepAliveTimeout, and the process would wait for it.
 */
function leaveNoIdleConnection(request: Request, response: Response, next: NextFunction): void {
  const { server } = request.socket as Socket & { readonly server?: Server };
  response.once('finish', () => {
    if (server?.listening === false) server.closeIdleConnections();
  });
  next();
}

/**
 * Connections are cut this long after SHUTDOWN_GRACE. Without it, a client's unused connection that never sent a byte
 * would delay the end for minutes.
 */
const CUT_AFTER_GRACE_SECONDS = 5;

/**
 * Drains and closes the application. Whatever clients do, this ends some seconds after SHUTDOWN_DELAY and SHUTDOWN_GRACE.
 */
export async function closeApp(app: NestExpressApplication, config: AppConfig): Promise<void> {
  const { shutdownDelaySeconds } = config.http;
  if (shutdownDelaySeconds > 0) {
    app.get(Leaving).begin();
    await sleep(shutdownDelaySeconds * 1000);
    // There is another process for what comes now. Here it would get only the rest of the grace time.
    takeNoConnection(app.getHttpServer());
  }
  const cut = () => app.getHttpServer().closeAllConnections();
  const timer = setTimeout(cut, (config.http.shutdownGraceSeconds + CUT_AFTER_GRACE_SECONDS) * 1000);
  try {
    await app.close();
  } finally {
    clearTimeout(timer);
  }
}

/** Writes what went wrong before the application could log it itself. */
export function logStartFailure(error: unknown): void {
  new Logger('Start').fatal('the service cannot start', {
    reason: error instanceof Error ? error.message : String(error),
  });
}
