/** What /health answers. */
export class LivenessDto {
  /** Always "healthy". */
  status: 'healthy';
  /** Always "generation-service". */
  service: 'generation-service';
}

/** What /ready answers. */
export class ReadinessDto {
  /** Always "ready"; anything else is a 503. */
  status: 'ready';
  /** Always "ok"; anything else is a 503. */
  database: 'ok';
  /** missing: nobody beats, so jobs queue until a worker is there. */
  worker: 'ok' | 'missing';
}
