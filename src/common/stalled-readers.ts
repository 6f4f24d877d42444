import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { portsOf, QUEUE_DIGITS, readSendQueues } from './send-queues.js';

const LOOK_MS = 5000;
/** A client that took nothing in this many checks in a row (one minute) is disconnected. */
const MOST_LOOKS = 12;

interface Reading {
  /** Changes whenever the client took anything. */
  readonly mark: string;
  readonly looks: number;
  /** Bytes written when the client had received everything. While there are no more, the connection needs no check. */
  readonly takenAt: number;
}

const UNREAD: Reading = { mark: '', looks: 0, takenAt: 0 };

/**
 * Closes connections whose client has stopped reading. Otherwise its rendered answer (results, events or any other)
 * would stay in memory as long as the client likes: here or, for the first megabytes of each connection, in the
 * system's buffers. A client that reads slowly keeps its connection. One check of all connections costs less than a
 * timer for each answer and covers every kind of answer.
 */
export class StalledReaders {
  private readonly logger = new Logger(StalledReaders.name);
  private readonly readings = new Map<Socket, Reading>();
  private looking = false;

  /** @param sendQueues - what the system still holds of each connection, see {@link readSendQueues} */
  constructor(
    server: Server,
    private readonly sendQueues = readSendQueues,
  ) {
    server.on('connection', (socket: Socket) => {
      this.readings.set(socket, UNREAD);
      socket.once('close', () => this.readings.delete(socket));
    });
    const timer = setInterval(() => {
      // On a busy machine a check may take longer than the interval, and two checks at once would count twice.
      if (this.looking) return;
      this.looking = true;
      void this.look().finally(() => (this.looking = false));
    }, LOOK_MS);
    timer.unref();
    server.once('close', () => clearInterval(timer));
  }

  private async look(): Promise<void> {
    // The bytes written are read before the queues, because what is written meanwhile is not in the queues yet.
    const waiting = [...this.readings]
      .map(([socket, before]) => ({ socket, before, written: socket.bytesWritten }))
      .filter(({ socket, before, written }) => socket.writableLength > 0 || written !== before.takenAt);
    if (waiting.length === 0) return;
    const queues = await this.sendQueues();
    for (const { socket, before, written } of waiting) {
      if (socket.destroyed) continue;
      const queue = queues.get(portsOf(socket)) ?? '';
      // A client that has received everything is not checked any further.
      if (socket.writableLength === 0 && /^0*$/.test(queue)) {
        this.readings.set(socket, { ...UNREAD, takenAt: written });
        continue;
      }
      const mark = `${socket.bytesWritten} ${queue}`;
      const looks = before.mark === mark ? before.looks + 1 : 0;
      this.readings.set(socket, { mark, looks, takenAt: before.takenAt });
      if (looks < MOST_LOOKS) continue;
      this.logger.log('closed the connection of a client that stopped reading', {
        unread_bytes: unreadBytes(socket, queue),
      });
      socket.destroy();
    }
  }
}

/**
 * Bytes that Node and the system still hold for it. When two connections share a key, the system's part is not known.
 */
function unreadBytes(socket: Socket, queue: string): number {
  return socket.writableLength + (queue.length === QUEUE_DIGITS ? parseInt(queue, 16) : 0);
}
