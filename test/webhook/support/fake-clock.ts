import { Clock } from '../../../src/common/clock.js';

/** A wall clock that stands still until it is moved; timers stay real. */
export class FakeClock extends Clock {
  constructor(private time = Date.parse('2026-03-01T12:00:00Z')) {
    super();
  }

  override now(): number {
    return this.time;
  }

  advance(seconds: number): void {
    this.time += seconds * 1000;
  }
}
