/**
 * A service reduced to its embedded database, as a process of its own that tests may kill.
 * Arguments: the folder of the service as plain JavaScript, DATA_DIR. Writes `ready <url>` or `failed <message>`. On SIGINT
 * it drains as the service does: a query first, which must still be answered, then `drained`, then the server's stop and
 * `stopped`.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';

const [built = '', dataDir = ''] = process.argv.slice(2);
const embedded = pathToFileURL(join(built, 'database', 'embedded', 'embedded-postgres.js'));
const { startEmbeddedPostgres } = await import(embedded.href);
const say = (...words) => process.stdout.write(`${words.join(' ').replaceAll('\n', ' ')}\n`);
const logger = {
  log: (message) => say('log', message),
  warn: (message) => say('log', message),
  error: (message, facts) => say('log', message, JSON.stringify(facts)),
};

try {
  const server = await startEmbeddedPostgres({ dataDir, logger });
  const client = new pg.Client({ connectionString: server.url });
  client.on('error', () => undefined);
  await client.connect();
  process.once('SIGINT', () => void drain(server.stop, client));
  setInterval(() => undefined, 60_000);
  say('ready', server.url);
} catch (error) {
  say('failed', error.message);
  process.exitCode = 1;
}

async function drain(stop, client) {
  // Long enough that a server that also got the signal would be gone: its fast stop takes some 50 ms.
  await client.query('select pg_sleep(0.5)');
  say('drained');
  await client.end();
  await stop();
  say('stopped');
  process.exit(0);
}
