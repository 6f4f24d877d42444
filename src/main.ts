import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { format } from 'node:util';
import { APPLICATION_OPTIONS, closeApp, LISTEN_BACKLOG, logStartFailure } from './app.setup.js';
import { JsonLogger } from './common/logger.js';
import { compose } from './compose.js';
import type { AppConfig } from './config/app-config.js';
import { loadConfig } from './config/load-config.js';
import { proxyWarning } from './config/trust-proxy.js';
import { migrateDatabase, prepareDatabase } from './database/prepare-database.js';
import { LOT_TABLES } from './jobs/lot.entities.js';
import { AllowList } from './outbound/allow-list.js';
import { startSandbox } from './sandbox/sandbox-process.js';

interface Stoppable {
  stop(): Promise<void>;
}

/**
 * Starts what the role needs. Everything that was started is stopped in the reverse order, the embedded database last.
 */
async function start(): Promise<void> {
  const started: Stoppable[] = [];
  const stopAll = async () => {
    for (let thing = started.pop(); thing !== undefined; thing = started.pop()) await thing.stop();
  };
  const signals = new StopSignals(stopAll);
  try {
    // Set before the settings are read, so that a wrong setting is reported as a line of the log too.
    Logger.overrideLogger(new JsonLogger('log'));
    const settings = loadConfig();
    const logger = new JsonLogger(settings.log.level);
    Logger.overrideLogger(logger);
    adoptConsole();
    // Checked before the database and the sandbox are started: the sandbox reads this setting too, and its complaint
    // would not be a line of the log.
    AllowList.parse(settings.outbound.allow);
    const warning = proxyWarning(settings.http.trustProxy);
    if (warning !== null) new Logger('Start').warn(warning);
    if (settings.role === 'migrate') {
      await migrateDatabase(settings, LOT_TABLES);
      new Logger('Migrate').log('the schema is current');
      return;
    }
    // A server that is being started, ours or the sandbox, has nobody yet who would stop it. Without them a signal ends the
    // start at once, also while it waits for the database of DATABASE_URL.
    if (settings.database.url === '') signals.listen();
    const database = await prepareDatabase(settings);
    started.push(database);
    if (signals.came) return;
    const config = await withOpenAi(settings, started);
    if (signals.came) return;
    if (config.tracing.endpoint !== '') {
      // Loaded only where traces are wanted: without them nothing of OpenTelemetry takes time or memory.
      const { startTracing } = await import('./tracing/start-tracing.js');
      started.push(startTracing(config));
    }
    const { module, setUp } = await compose(config, database.url);
    const app = await NestFactory.create<NestExpressApplication>(module, { ...APPLICATION_OPTIONS, logger });
    started.push({ stop: () => closeApp(app, config) });
    setUp(app, config);
    signals.listen();
    if (signals.came) return;
    // A worker listens too, because an operator watches it by /health, /ready and /metrics.
    await app.listen({ port: config.http.port, host: config.http.host, backlog: LISTEN_BACKLOG } as never);
    // PORT=0 lets the system choose one.
    const { port } = app.getHttpServer().address() as AddressInfo;
    new Logger('Start').log('ready', { role: config.role, port });
  } catch (error) {
    logStartFailure(error);
    await stopAll().catch(() => undefined);
    process.exitCode = 1;
  } finally {
    signals.startIsOver();
  }
}

/** The settings with OpenAI's address and key. Without a key, the sandbox is started and its address is used. */
async function withOpenAi(config: AppConfig, started: Stoppable[]): Promise<AppConfig> {
  if (config.openai.apiKey !== '') return config;
  const sandbox = await startSandbox({
    stateDir: join(config.database.dataDir, 'sandbox'),
    allow: config.outbound.allow,
  });
  started.push(sandbox);
  new Logger('Start').warn('NO OPENAI_API_KEY: a sandbox stands in for OpenAI and every description is a simulation', {
    sandbox: sandbox.baseUrl,
  });
  return {
    ...config,
    openai: { ...config.openai, apiKey: 'sandbox', baseUrl: sandbox.baseUrl, headers: {}, upstream: 'sandbox' },
  };
}

/**
 * Turns what libraries write to the console into lines of the log. For example, cron warns there when a tick is late.
 */
function adoptConsole(): void {
  const logger = new Logger('Console');
  Object.assign(console, {
    warn: (...words: unknown[]) => logger.warn('a library warns', { text: format(...words) }),
    error: (...words: unknown[]) => logger.error('a library reports an error', { text: format(...words) }),
  });
}

/**
 * The first SIGTERM or Ctrl-C drains the service; a second one ends it at once. While it starts, the step in hand is waited for,
 * so that what it has begun can be stopped too.
 */
class StopSignals {
  came = false;
  private listens = false;
  private startIsOverNow: () => void = () => undefined;
  private readonly started = new Promise<void>((resolve) => (this.startIsOverNow = resolve));

  constructor(private readonly stopAll: () => Promise<void>) {}

  listen(): void {
    if (this.listens) return;
    this.listens = true;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void this.stop(signal));
  }

  /** It works, or it has been given up. */
  startIsOver(): void {
    this.startIsOverNow();
  }

  private async stop(signal: NodeJS.Signals): Promise<void> {
    const logger = new Logger('Stop');
    if (this.came) {
      logger.warn('stopping at once', { signal });
      process.exit(1);
    }
    this.came = true;
    logger.log('draining', { signal });
    try {
      await this.started;
      await this.stopAll();
      process.exit();
    } catch (error) {
      logger.error('the shutdown failed', { reason: (error as Error).message });
      process.exit(1);
    }
  }
}

await start();
