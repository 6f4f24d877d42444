// npm run receiver [-- --port 4000]: a webhook receiver that verifies and prints what comes, and misbehaves on demand.
import { MISBEHAVIOURS } from './receiver/misbehave.mjs';
import { startReceiver } from './receiver/server.mjs';

const port = Number(argument('--port') ?? process.env.PORT ?? 4000);
const sharedKey = process.env.SHARED_KEY ?? '';
const webhookSecret = process.env.WEBHOOK_SECRET ?? '';
if (process.argv.includes('--help') || (sharedKey === '' && webhookSecret === '')) {
  console.log(`Set SHARED_KEY and, if the service has one, WEBHOOK_SECRET to what the service has, then:

  SHARED_KEY=… npm run receiver -- --port 4000

and start the service with OUTBOUND_ALLOW=127.0.0.1, so that it may send here. Use http://127.0.0.1:4000/hook as
webhook_url. An address can ask for misbehaviour, as in /hook?status=503&retry-after=60&times=2:
`);
  for (const [name, meaning] of Object.entries(MISBEHAVIOURS)) console.log(`  ${name.padEnd(12)} ${meaning}`);
  process.exit(process.argv.includes('--help') ? 0 : 2);
}

const receiver = await startReceiver({ port, sharedKey, webhookSecret, onEvent: print });
console.log(`waiting for webhooks at ${receiver.origin}/hook (Ctrl-C ends)`);

function print({ path, headers, body, event, problems, repeat }) {
  const verdict =
    problems.length > 0 ? `NOT VERIFIED (${problems.join('; ')})` : repeat ? 'verified, a repeat' : 'verified';
  const attempt = headers['x-delivery-attempt'] ?? '?';
  console.log(`\n${new Date().toISOString()} ${path}: ${verdict}`);
  console.log(`  webhook-id ${headers['webhook-id'] ?? '?'}, attempt ${attempt}, ${body.length} bytes`);
  if (event === undefined) return;
  const part = event.part === undefined ? '' : `, part ${event.part.number} of ${event.part.of}`;
  console.log(`  ${event.event}${event.job_id === undefined ? '' : ` of job ${event.job_id}`}${part}`);
  for (const lot of event.lots ?? []) {
    const texts = lot.descriptions.map(({ language, damages }) => `${language}: ${damages}`);
    console.log(`  lot ${lot.lot_id}: ${lot.status}\n    ${texts.join('\n    ')}`);
  }
}

function argument(name) {
  const index = process.argv.indexOf(name);
  return index === -1 ? undefined : process.argv[index + 1];
}
