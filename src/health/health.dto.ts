/** The answer of /health. */
export class LivenessDto {
  /** Always "healthy". */
  status: 'healthy';
  /** Always "generation-service". */
  service: 'generation-service';
}

/** The answer of /ready. */
export class ReadinessDto {
  /** Always "ready"; a process that is not ready answers 503. */
  status: 'ready';
  /** Always "ok"; without the database the answer is a 503. */
  database: 'ok';
  /** `missing`: no worker is running, so jobs wait until there is one. */
  worker: 'ok' | 'missing';
}
