/**
 * A process that starts a sandbox, prints its process id, and then does nothing until it is killed. Arguments: state
 * folder, node's arguments.
 */
import { startSandbox } from '../../src/sandbox/sandbox-process.ts';

const [stateDir = '', ...program] = process.argv.slice(2);
const { pid } = await startSandbox({ stateDir, allow: [], program });
process.stdout.write(`${JSON.stringify({ pid })}\n`);
setInterval(() => undefined, 60_000);
