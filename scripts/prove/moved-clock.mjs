// A clock that can be moved ahead: preloaded into the service (`--import`), and imported by the proof that moves it, so
// that both sign by the same time. Only the time of day is moved (Date). Timers, leases and everything that uses
// PostgreSQL's clock go on as they are.
import { once } from 'node:events';

const RealDate = Date;
/** A command that ends by itself is told at its start. */
let aheadMs = Number(process.env.MOVED_CLOCK_MS ?? 0);

class MovedDate extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(MovedDate.now());
    else super(...parts);
  }

  static now() {
    return RealDate.now() + aheadMs;
  }
}
globalThis.Date = MovedDate;

/** Sets how far this process is ahead of the wall clock. */
export function setAhead(milliseconds) {
  aheadMs = milliseconds;
}

/** How many hours this process is ahead. */
export function hoursAhead() {
  return aheadMs / 3_600_000;
}

/** Sets how far a child that preloaded this file is ahead, and resolves once it is. */
export async function setChildAhead(child, milliseconds) {
  child.send({ movedClock: milliseconds });
  for (;;) {
    const [message] = await once(child, 'message');
    if (message.movedClock === milliseconds) return;
  }
}

if (process.channel !== undefined) {
  process.on('message', ({ movedClock }) => {
    if (movedClock === undefined) return;
    setAhead(movedClock);
    process.send({ movedClock });
  });
  // The channel must not keep a service alive that is to end.
  process.channel.unref();
}
