import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { portsOf, QUEUE_DIGITS, readSendQueues } from './send-queues.js';

const LOOK_MS = 5000;
/** A reader that took nothing for so many looks in a row, a minute in all, is cut. */
const MOST_LOOKS = 12;

interface Reading {
  /** Another one whenever anything was taken. */
  readonly mark: string;
  readonly looks: number;
  /** Bytes written when the client had everything: as long as there are no more, nobody needs to look at it. */
  readonly takenAt: number;
}

const UNREAD: Reading = { mark: '', looks: 0, takenAt: 0 };

/**
 * Cuts connections whose client has stopped reading: what was rendered for it (results, events, any answer) would stay in
 * memory for as long as it likes, here or, the first megabytes of each connection, in the system's buffers. One that reads
 * slowly moves, and stays. One look at all connections costs less than a timer for each answer, and no kind of answer can
 * be forgotten.
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
      // A busy machine may take longer than that, and two looks in one would count twice.
      if (this.looking) return;
      this.looking = true;
      void this.look().finally(() => (this.looking = false));
    }, LOOK_MS);
    timer.unref();
    server.once('close', () => clearInterval(timer));
  }

  private async look(): Promise<void> {
    // How much was written is read before the queues: what is written meanwhile is not in them yet.
    const waiting = [...this.readings]
      .map(([socket, before]) => ({ socket, before, written: socket.bytesWritten }))
      .filter(({ socket, before, written }) => socket.writableLength > 0 || written !== before.takenAt);
    if (waiting.length === 0) return;
    const queues = await this.sendQueues();
    for (const { socket, before, written } of waiting) {
      if (socket.destroyed) continue;
      const queue = queues.get(portsOf(socket)) ?? '';
      // Whoever has everything is not waited for, whatever it does with it.
      if (socket.writableLength === 0 && /^0*$/.test(queue)) {
        this.readings.set(socket, { ...UNREAD, takenAt: written });
        continue;
      }
      const mark = `${socket.bytesWritten} ${queue}`;
      const looks = before.mark === mark ? before.looks + 1 : 0;
      this.readings.set(socket, { mark, looks, takenAt: before.takenAt });
      if (looks < MOST_LOOKS) continue;
      this.logger.log('a client that stopped reading was cut', { unread_bytes: unreadBytes(socket, queue) });
      socket.destroy();
    }
  }
}

/** What Node and the system still hold for it. Where two connections share a key, the system's part cannot be told. */
function unreadBytes(socket: Socket, queue: string): number {
  return socket.writableLength + (queue.length === QUEUE_DIGITS ? parseInt(queue, 16) : 0);
}
