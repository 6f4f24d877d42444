#!/usr/bin/env node
import { UsageError } from './arguments.js';
import { run } from './commands.js';

// A reader who has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

try {
  process.exitCode = await run(process.argv.slice(2), process);
} catch (error) {
  const usage = error instanceof UsageError;
  process.stderr.write(
    `${(error as Error).message}\n${usage ? 'generation-service help explains the commands.\n' : ''}`,
  );
  process.exitCode = usage ? 2 : 1;
}
