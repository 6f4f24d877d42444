// The floor: signed POSTs by bare undici, 32 at a time, from memory. No database, no guard.
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Pool } from 'undici';

const [origin, deliveries, connections, bytes] = process.argv
  .slice(2)
  .map((value, i) => (i === 0 ? value : Number(value)));
const secret = Buffer.alloc(32, 1);
const shared = 'x'.repeat(40);
const pool = new Pool(origin, { connections, pipelining: 1 });
const body = Buffer.from(JSON.stringify({ text: 'x'.repeat(bytes - 11) }));

/** The same headers as the service's. */
function headersOf() {
  const id = randomUUID();
  const timestamp = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest('base64');
  return {
    'content-type': 'application/json',
    'user-agent': 'Generation-Service/2.0',
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${signature}`,
    'x-signature': `sha256=${createHmac('sha256', shared).update(body).digest('hex')}`,
    'x-job-id': id,
    'x-delivery-attempt': '1',
  };
}

let left = deliveries;
async function sendMany() {
  while (left-- > 0) {
    const answer = await pool.request({ path: '/hook', method: 'POST', headers: headersOf(), body });
    await answer.body.dump();
  }
}
process.send({ ready: true });
await once(process, 'message');
await Promise.all(Array.from({ length: connections }, sendMany));
process.exit(0);
