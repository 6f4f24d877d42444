import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

/** Linux lists its TCP connections here; other systems have no such file. */
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];
/** Of one connection's queue. */
export const QUEUE_DIGITS = 8;
/** `sl: local address:port, remote address:port, state, bytes that the other side has not taken:…`, all in hex. */
const ROW = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]{2} ([0-9A-F]{8}):/gm;

/**
 * How many bytes the system holds for each connection that its client has not taken yet. Node cannot tell: when a
 * client reads slowly, the system accepts the next bytes only after a third of a buffer of several megabytes is free,
 * so to Node the client seems to have stopped.
 * @returns by {@link portsOf}; empty when the system does not tell
 */
export async function readSendQueues(): Promise<ReadonlyMap<string, string>> {
  const queues = new Map<string, string>();
  for (const table of TABLES) {
    const text = await readFile(table, 'latin1').catch(() => '');
    for (const [, local = '', remote = '', queue = ''] of text.matchAll(ROW)) {
      const connection = `${parseInt(local, 16)} ${parseInt(remote, 16)}`;
      // Two clients may come from the same port of different hosts: if either moves, both count as moving.
      queues.set(connection, `${queues.get(connection) ?? ''}${queue}`);
    }
  }
  return queues;
}

export function portsOf(socket: Pick<Socket, 'localPort' | 'remotePort'>): string {
  return `${socket.localPort} ${socket.remotePort}`;
}
