import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { JsonLogger } from './common/logger.js';
import { loadConfig } from './config/load-config.js';
import { joinDatabase } from './database/prepare-database.js';
import { Acts } from './ops/acts.js';
import { CommandLineError, isAct, readCommandLine, type CommandLine } from './ops/command-line.js';
import { LOOK_SECONDS, OpsModule } from './ops/ops.module.js';
import { printable, printableJson } from './ops/printable.js';
import { Readings } from './ops/readings.js';
import { refusalOf } from './ops/refusal.js';
import { USAGE } from './ops/usage-text.js';

/** A retry of 50,000 lots takes seconds, and waits for other retries of them. */
const ACT_SECONDS = 120;
/** Somebody waits for the answer: a database that is away is said at once, not after a minute. */
const PATIENCE_MS = 3000;
/** Parts of a status are read side by side; more connections would be missed by a service that has none left. */
const CONNECTIONS = 3;

/** `npm run ops -- <command>`, with the settings of the service and beside it. @returns the exit code */
async function main(words: readonly string[]): Promise<number> {
  if (words.includes('--help') || words.includes('-h')) return said('stdout', USAGE, 0);
  let asked: CommandLine;
  try {
    asked = readCommandLine(words);
  } catch (error) {
    if (!(error instanceof CommandLineError)) throw error;
    return said('stderr', `${printable(error.message)}\n\n${USAGE}`, 2);
  }
  // Standard output is the answer's alone, and what goes wrong is said in words.
  const logger = new JsonLogger('fatal');
  Logger.overrideLogger(logger);
  try {
    const settings = loadConfig();
    const statementSeconds = isAct(asked.command) ? ACT_SECONDS : LOOK_SECONDS;
    const config = { ...settings, database: { ...settings.database, poolSize: CONNECTIONS, statementSeconds } };
    const database = await joinDatabase(config, PATIENCE_MS);
    try {
      const module = AppModule.forRoot(config, database.url, [OpsModule]);
      const app = await NestFactory.createApplicationContext(module, { logger, abortOnError: false });
      const { command } = asked;
      const printed =
        'warrant' in command
          ? await (command.warrant === null ? app.get(Acts).estimate(command) : app.get(Acts).do(command))
          : await app.get(Readings).read(command);
      await said('stdout', `${asked.json ? printableJson(printed.document) : printed.text}\n`, 0);
      return 0;
    } finally {
      await database.stop();
    }
  } catch (error) {
    const { sentence, exitCode } = refusalOf(error);
    return said('stderr', `${sentence}\n`, exitCode);
  }
}

/** Resolves when it is written: the process ends right after, and a pipe may take its time. */
async function said<Code extends number>(stream: 'stdout' | 'stderr', text: string, code: Code): Promise<Code> {
  await new Promise((resolve) => process[stream].write(text, resolve));
  return code;
}

// The application is not closed in order: nothing of it is under way by now, and a server that hangs would keep it open.
process.exit(await main(process.argv.slice(2)));
