// A relay between the coordinator and a data node that can hold what passes, so that the coordinator is killed at a chosen
// step of a transaction and not only by chance.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** What a transaction on a data node begins with, and what of it changes rows. */
const BEGINS = /BEGIN TRANSACTION/;
const CHANGES = /(?:COPY|UPDATE|INSERT INTO|DELETE FROM) public\.batch_\w+?_\d+/;

export class Relay {
  sockets = new Set();
  armed = undefined;

  static async to(host, port) {
    const relay = new Relay();
    relay.server = createServer((from) => relay.join(from, connect(port, host)));
    relay.server.listen(0, '127.0.0.1');
    await once(relay.server, 'listening');
    return relay;
  }

  get address() {
    return { host: '127.0.0.1', port: this.server.address().port };
  }

  join(coordinator, node) {
    for (const [socket, other] of [
      [coordinator, node],
      [node, coordinator],
    ]) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    node.on('data', (data) => {
      if (coordinator.held !== true) coordinator.write(data);
    });
    coordinator.on('data', (data) => {
      const point = this.armed;
      const text = data.toString('latin1');
      if (BEGINS.test(text)) coordinator.changed = '';
      coordinator.changed = `${coordinator.changed ?? ''} ${CHANGES.exec(text)?.[0] ?? ''}`;
      const due = point?.pattern.test(text) && (point.after === undefined || point.after.test(coordinator.changed));
      if (!due) return void node.write(data);
      this.armed = undefined;
      // The answer never comes, or the node never hears of it: the coordinator is killed now.
      coordinator.held = true;
      if (point.heard) node.write(data);
      point.reached();
    });
  }

  /** Breaks every connection that there is; new ones are let through. */
  cut() {
    for (const socket of this.sockets) socket.destroy();
  }

  close() {
    this.server.close();
    this.cut();
  }
}

/**
 * Resolves once the coordinator sends one of the relays what the pattern says; this is held then.
 * @param point.heard - whether the node still gets it, so that only its answer is lost
 * @param point.after - what the same transaction must have changed before
 * @returns whether it came within `patienceMs`
 */
export function atPoint(relays, point, patienceMs) {
  return new Promise((resolve) => {
    const done = (came) => {
      clearTimeout(timer);
      for (const relay of relays) relay.armed = undefined;
      resolve(came);
    };
    const timer = setTimeout(done, patienceMs, false);
    for (const relay of relays) relay.armed = { ...point, reached: () => done(true) };
  });
}
