import { ConfigError } from '../config/setting-reader.js';
import { loadSandboxConfig } from '../config/sandbox-config.js';
import { startSandboxServer } from './sandbox-server.js';

/**
 * The sandbox as a process of its own. It ends with its standard input, so that it never outlives the process that
 * started it, not even after kill -9. Ctrl-C in a terminal reaches every process of the group: it is left to the
 * parent, which drains first and closes our input then.
 */
async function main(): Promise<void> {
  const server = await startSandboxServer(loadSandboxConfig());
  process.stdout.write(`${JSON.stringify({ listening: server.baseUrl })}\n`);
  let ending = false;
  const end = () => {
    if (ending) return;
    ending = true;
    server.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.stdin.resume();
  process.stdin.once('end', end);
  process.stdin.once('close', end);
  process.stdin.once('error', end);
  process.once('SIGTERM', end);
  process.on('SIGINT', () => {
    if (process.stdin.isTTY) end();
  });
}

main().catch((error: unknown) => {
  const text = error instanceof ConfigError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`sandbox: ${text ?? 'unknown error'}\n`);
  process.exit(1);
});
