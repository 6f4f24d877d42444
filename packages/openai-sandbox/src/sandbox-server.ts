import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { BatchEngine } from './batches/batch-engine.js';
import { BatchStore } from './batches/batch-store.js';
import { batchControlRoutes, batchRoutes } from './batches/batches-routes.js';
import { BatchCreator } from './batches/create-batch.js';
import { LineRunner } from './batches/run-line.js';
import { CAR_SIMULATION } from './cars/car-simulation.js';
import { controlRoutes } from './control/control-routes.js';
import { RequestLog } from './control/request-log.js';
import { FaultBook } from './faults/fault-book.js';
import { FileStore } from './files/file-store.js';
import { fileRoutes } from './files/files-routes.js';
import { Pipeline } from './http/pipeline.js';
import { Router } from './http/router.js';
import { numberAt } from './json.js';
import { ModelTable } from './models/model-table.js';
import { modelRoutes } from './models/models-routes.js';
import { loopbackFetcher } from './responses/loopback-fetcher.js';
import { PhotoSource, type PhotoFetcher } from './responses/photo-source.js';
import { RateHeaders } from './responses/rate-headers.js';
import { Responder } from './responses/responder.js';
import { responseRoutes } from './responses/responses-routes.js';
import { SandboxClock } from './sandbox-clock.js';
import type { SandboxSettings } from './settings.js';
import type { Simulation } from './simulation.js';
import { StateFiles } from './state-files.js';

/** A sandbox that listens in this process. */
export interface SandboxServer {
  /** `http://127.0.0.1:PORT/v1`, for OPENAI_BASE_URL. */
  readonly baseUrl: string;
  /** The same host without /v1, for the endpoints under /sandbox/. */
  readonly origin: string;
  readonly log: RequestLog;
  readonly faults: FaultBook;
  readonly clock: SandboxClock;
  close(): Promise<void>;
}

/** What a program that embeds the sandbox puts in place of the sandbox's own. */
export interface SandboxParts {
  /** How photos are fetched; from loopback alone by default. */
  readonly fetcher?: (settings: SandboxSettings) => PhotoFetcher;
  /** What plays the model's part; cars by default. */
  readonly simulation?: Simulation;
}

/** Starts the sandbox on loopback and resolves once it listens. */
export async function startSandboxServer(config: SandboxSettings, parts: SandboxParts = {}): Promise<SandboxServer> {
  const state = await new StateFiles(config.stateDir).prepare();
  const batches = await BatchStore.open(join(config.stateDir, 'batches'));
  const kept = numberAt((await state.read('clock')) ?? {}, 'ahead_ms') ?? 0;
  // What was stamped before a restart must not lie in the future.
  const clock = new SandboxClock(config.speed, Math.max(kept, batches.latestSeconds() * 1000 - Date.now()));
  const log = new RequestLog(config.logBodyBytes);
  const faults = new FaultBook(config.seed);
  faults.add(config.faults, true);
  faults.restore(await state.read('faults'));
  const today = () => new Date(clock.now()).toISOString().slice(0, 10);
  const models = new ModelTable(config.extraModels, today, (id) => faults.modelGone(id));
  const fetcher = parts.fetcher?.(config) ?? loopbackFetcher(config.photoTimeoutSeconds);
  const simulation = parts.simulation ?? (CAR_SIMULATION as Simulation);
  const photos = new PhotoSource(fetcher, simulation, config.photos, config.photoConcurrency);
  const responder = new Responder(models, photos, simulation, faults, clock);
  const files = await FileStore.open(join(config.stateDir, 'files'), clock);
  const limit = { tokens: config.enqueuedTokenLimit };
  const lines = new LineRunner(responder, faults, log);
  const engine = new BatchEngine(batches, files, models, lines, clock, config, limit);
  const creator = new BatchCreator(batches, files, faults, clock);
  const pipeline = new Pipeline({
    api: new Router([
      ...modelRoutes(models),
      ...responseRoutes(responder, new RateHeaders(), log, config),
      ...fileRoutes(files),
      ...batchRoutes(creator, batches, engine, clock),
    ]),
    control: new Router([...controlRoutes(faults, log, clock, state), ...batchControlRoutes(batches, limit)]),
    faults,
    log,
    apiKey: config.apiKey,
  });
  const server = createServer((request, response) => {
    pipeline.handle(request, response).catch((error: unknown) => {
      process.stderr.write(`sandbox: ${String(error)}\n`);
      response.destroy();
    });
  });
  // Uploads of 200 MB over a busy machine take longer than node's default of 300 s for a whole request.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.port, '127.0.0.1', 4096, resolve);
  });
  engine.resume();
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    baseUrl: `${origin}/v1`,
    origin,
    log,
    faults,
    clock,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await engine.close();
      await fetcher.close();
    },
  };
}
