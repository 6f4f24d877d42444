import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Gauge } from 'prom-client';
import { metricsRegistry } from '../common/metrics-registry.js';

const build = new Gauge({
  name: 'generation_service_build_info',
  help: 'Always 1; its labels say which version runs in which role on which Node',
  labelNames: ['version', 'role', 'node'],
  registers: [metricsRegistry],
});

/** @param root - the folder of package.json */
export function showBuild(root: string, role: string): void {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  build.reset();
  build.set({ version, role, node: process.versions.node }, 1);
}
