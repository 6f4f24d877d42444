// Preloaded into the service: measures from inside how long its event loop is blocked, and reports it on request.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 5;
const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
histogram.enable();

process.on('message', ({ loopMonitor }) => {
  if (loopMonitor === 'reset') histogram.reset();
  // The timer's own period counts as delay too.
  const milliseconds = (nanoseconds) => Math.max(0, Math.round(nanoseconds / 1e6 - RESOLUTION_MS));
  process.send({
    loopMonitor,
    maxMs: milliseconds(histogram.max),
    p999Ms: milliseconds(histogram.percentile(99.9)),
  });
});
// The channel must not keep a service alive that is to end.
process.channel.unref();
