// A process that opens connections as its messages say, keeps them open, and opens new ones for those that were closed.
import { connect } from 'node:net';
import { ATTACKS } from './attacks.mjs';

/** The pause after a connection was closed: as short as for a client that ignores every answer. */
const AGAIN_MS = 1000;
/** The most connections in total, so that an attack is limited however long it runs. */
const MOST_CONNECTIONS = 60_000;

const told = { opened: 0, answers: {} };
let attack;

process.on('message', (message) => {
  if (message.start !== undefined) start(message.start);
  else process.send({ told });
});
process.on('disconnect', () => process.exit(0));

function start({ port, name, count, many }) {
  const { bytes, trickle } = ATTACKS[name];
  attack = { port, bytes: bytes(), trickle, many };
  for (let index = 0; index < count; index++) setTimeout(() => open(index), (index / count) * 1000);
}

function open(index) {
  if (told.opened >= MOST_CONNECTIONS) return;
  told.opened += 1;
  const localAddress = attack.many ? `127.1.${1 + (index >> 7)}.${1 + (index & 127)}` : '127.0.0.2';
  const socket = connect({ port: attack.port, host: '127.0.0.1', localAddress });
  let timer;
  let first = true;
  socket.on('error', () => {});
  socket.on('data', (data) => {
    if (!first) return;
    first = false;
    const status = data.toString('latin1', 9, 12);
    told.answers[status] = (told.answers[status] ?? 0) + 1;
  });
  socket.on('connect', () => {
    socket.write(attack.bytes);
    if (attack.trickle !== undefined) timer = setInterval(() => socket.write(attack.trickle), 1000);
  });
  socket.on('close', () => {
    clearInterval(timer);
    setTimeout(() => open(index), AGAIN_MS);
  });
}
