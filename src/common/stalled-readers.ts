import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { portsOf, readSendQueues } from './send-queues.js';

const LOOK_MS = 5000;
/** A reader that took nothing for so many looks in a row, a minute in all, is cut. */
const MOST_LOOKS = 12;

interface Reading {
  /** Another one whenever anything was taken. */
  readonly mark: string;
  readonly looks: number;
}

/**
 * Cuts connections whose client has stopped reading: what was rendered for it (results, events, any answer) would stay in
 * memory for as long as it likes. One that reads slowly moves, and stays. One look at all connections costs less than a
 * timer for each answer, and no kind of answer can be forgotten.
 */
export class StalledReaders {
  private readonly logger = new Logger(StalledReaders.name);
  private readonly readings = new Map<Socket, Reading | null>();
  private looking = false;

  /** @param sendQueues - what the system still holds of each connection, see {@link readSendQueues} */
  constructor(
    server: Server,
    private readonly sendQueues = readSendQueues,
  ) {
    server.on('connection', (socket: Socket) => {
      this.readings.set(socket, null);
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
    const waiting = [...this.readings.keys()].filter((socket) => socket.writableLength > 0);
    const queues = waiting.length === 0 ? new Map<string, string>() : await this.sendQueues();
    for (const [socket, before] of this.readings) {
      // Whoever has everything is not waited for, whatever it does with it.
      if (socket.writableLength === 0) {
        if (before !== null) this.readings.set(socket, null);
        continue;
      }
      const mark = `${socket.bytesWritten} ${queues.get(portsOf(socket)) ?? ''}`;
      const looks = before?.mark === mark ? before.looks + 1 : 0;
      this.readings.set(socket, { mark, looks });
      if (looks < MOST_LOOKS) continue;
      this.logger.log('a client that stopped reading was cut', { unread_bytes: socket.writableLength });
      socket.destroy();
    }
  }
}
