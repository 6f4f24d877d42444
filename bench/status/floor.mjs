// The floor of status requests: node:http and pg, one query a request, nothing checked.
import { createServer } from 'node:http';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.argv[2], max: 10 });
const server = createServer((request, response) => {
  const id = request.url.slice(request.url.lastIndexOf('/') + 1);
  pool.query('select * from batch_jobs where id = $1', [id]).then(
    ({ rows }) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(rows[0]));
    },
    () => {
      response.statusCode = 500;
      response.end();
    },
  );
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
