// A plain queue: it claims 128 rows with SKIP LOCKED, each with its body, sends a POST for each, and writes one UPDATE
// for all of them. It has no attempts, and receivers do not take turns.
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import pg from 'pg';
import { Pool } from 'undici';

const [origin, databaseUrl, connections] = process.argv.slice(2);
const secret = Buffer.alloc(32, 1);
const pool = new Pool(origin, { connections: Number(connections), pipelining: 1 });
const database = new pg.Pool({ connectionString: databaseUrl, max: 4 });

async function claim() {
  const { rows } = await database.query(
    `with due as (select id from plain_deliveries where status = 'pending' order by id limit 128 for update skip locked)
     update plain_deliveries d set status = 'in_flight', locked_until = now() + interval '1 minute'
     from due where d.id = due.id returning d.id, d.body`,
  );
  return rows;
}

async function send({ id, body }) {
  const timestamp = Math.floor(Date.now() / 1000);
  const bytes = Buffer.from(body);
  const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(bytes).digest('base64');
  const answer = await pool.request({
    path: '/hook',
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': `v1,${signature}`,
    },
    body: bytes,
  });
  await answer.body.dump();
  return id;
}

await database.query('select 1');
process.send({ ready: true });
await once(process, 'message');
let next = claim();
for (let batch = await next; batch.length > 0; batch = await next) {
  next = claim();
  const ids = await Promise.all(batch.map(send));
  await database.query(`update plain_deliveries set status = 'delivered' where id = any($1)`, [ids]);
}
process.exit(0);
