import { startSandboxServer, type SandboxParts } from './sandbox-server.js';
import { loadSandboxSettings, SettingsError } from './settings.js';

/**
 * The sandbox as a process of its own: prints `{"listening": "http://127.0.0.1:PORT/v1"}` once it listens. It ends with
 * its standard input, so that it never outlives the process that started it, not even after kill -9. Ctrl-C in a
 * terminal reaches every process of the group: it is left to the parent, which drains first and closes our input then.
 * @param parts - what replaces the package's own: a way to fetch photos, another simulation
 */
export async function runSandbox(parts: SandboxParts = {}): Promise<void> {
  try {
    const server = await startSandboxServer(loadSandboxSettings(), parts);
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
  } catch (error) {
    const text = error instanceof SettingsError ? error.message : error instanceof Error ? error.stack : String(error);
    process.stderr.write(`sandbox: ${text ?? 'unknown error'}\n`);
    process.exit(1);
  }
}
