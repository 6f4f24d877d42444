import { EventEmitter } from 'node:events';
import { Injectable } from '@nestjs/common';

/** Tells the stages of this process that there is work; other processes find it by their crons. */
@Injectable()
export class BatchHints {
  private readonly events = new EventEmitter();

  wake(): void {
    this.events.emit('wake');
  }

  /** @returns a function that ends the subscription */
  onWake(listener: () => void): () => void {
    this.events.on('wake', listener);
    return () => this.events.off('wake', listener);
  }
}
