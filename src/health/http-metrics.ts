import type { Request, Response } from 'express';
import { Gauge, Histogram } from 'prom-client';
import { metricsRegistry } from '../common/metrics-registry.js';

const duration = new Histogram({
  name: 'http_request_duration_seconds',
  help: 'Time from the first byte of a request to the last byte of its answer',
  labelNames: ['method', 'route', 'status'],
  buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
  registers: [metricsRegistry],
});

let inFlight = 0;

const inFlightGauge: Gauge = new Gauge({
  name: 'http_requests_in_flight',
  help: 'Requests that are being answered',
  registers: [metricsRegistry],
  // Counted only when /metrics is read; otherwise every request would pay for two updates that are hardly ever read.
  collect: () => {
    inFlightGauge.set(inFlight);
  },
});

/** Times one request. The label is the route's pattern, because a path contains ids. */
export function observeRequest(request: Request, response: Response): void {
  const started = performance.now();
  inFlight++;
  response.once('close', () => {
    inFlight--;
    const route = (request as { route?: { path?: unknown } }).route?.path;
    duration.observe(
      { method: request.method, route: typeof route === 'string' ? route : 'none', status: response.statusCode },
      (performance.now() - started) / 1000,
    );
  });
}
