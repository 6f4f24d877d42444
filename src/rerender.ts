import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { JsonLogger } from './common/logger.js';
import { loadConfig } from './config/load-config.js';
import { joinDatabase } from './database/prepare-database.js';
import { RerenderModule } from './rerender/rerender.module.js';
import { Rerender } from './rerender/rerender.service.js';

const USAGE = `Usage: npm run rerender -- <job>

Writes the texts of a job that has ended anew, from what the models answered then, with the code and the glossaries of today. No
model is asked and nothing is sent. Clients see all new texts at once, when the last one is written.
`;

/** `npm run rerender -- <job>`, with the settings of the service and beside it. @returns the exit code */
async function main(jobId: string | undefined): Promise<number> {
  if (jobId === undefined || jobId.startsWith('-')) {
    process.stderr.write(USAGE);
    return 2;
  }
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort(new StoppedError()));
  // Only what goes wrong: the outcome is said in words.
  const logger = new JsonLogger('warn');
  Logger.overrideLogger(logger);
  try {
    const config = loadConfig();
    const database = await joinDatabase(config);
    try {
      const module = AppModule.forRoot(config, database.url, [RerenderModule]);
      const app = await NestFactory.createApplicationContext(module, { logger, abortOnError: false });
      try {
        const { revision, lots, kept } = await app.get(Rerender).rerender(jobId, stop.signal);
        process.stdout.write(
          `Job ${jobId} shows revision ${revision}. Lots with new texts: ${lots}; lots that keep theirs: ${kept}.\n`,
        );
        return 0;
      } finally {
        await app.close();
      }
    } finally {
      await database.stop();
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

class StoppedError extends Error {
  constructor() {
    super('Stopped. The job shows what it showed before; the same command begins again.');
  }
}

process.exitCode = await main(process.argv[2]);
