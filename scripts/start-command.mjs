// How the built service is started. It is written once, in package.json's `start`, and every script uses it from here.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const words = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  .scripts.start.split(' ')
  .slice(1);

/** Node's own flags of `npm start`. */
export const NODE_FLAGS = words.filter((word) => word.startsWith('--'));
/** Arguments of `node` that start the service. */
export const SERVICE = [...NODE_FLAGS, fileURLToPath(new URL('dist/main.js', root))];
/** The same, with its event loop watched; the child needs a channel (`ipc`) to be asked through. */
export const WATCHED_SERVICE = ['--import', new URL('loop-monitor.mjs', import.meta.url).href, ...SERVICE];

/**
 * How long the event loop of a {@link WATCHED_SERVICE} was held since the last reset.
 * @param {'read' | 'reset'} question
 * @returns {Promise<{maxMs: number, p999Ms: number}>} milliseconds
 */
export async function askLoop(child, question) {
  child.send({ loopMonitor: question });
  for (;;) {
    const [message] = await once(child, 'message');
    if (message.loopMonitor === question) return message;
  }
}
