import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// Real: processes, groups, signals. Faked: the service, by a process that ends as it does: a second signal cuts its drain.

const MODULE = new URL('../../scripts/demo/service-process.mjs', import.meta.url).href;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'generation-demo-'));
  await writeFile(
    join(folder, 'service.mjs'),
    `let stopping = false;
     for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {
       if (stopping) process.exit(1);
       stopping = true;
       console.log('draining');
       setTimeout(() => process.exit(0), 300);
     });
     console.log('ready');
     setInterval(() => undefined, 1000);`,
  );
  await writeFile(
    join(folder, 'demo.mjs'),
    `import { startChild } from '${MODULE}';
     const service = startChild([${JSON.stringify(join(folder, 'service.mjs'))}], process.env);
     for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, async () => {
       service.stop();
       console.log('ended ' + await service.ended);
       process.exit(0);
     });
     while (!service.log().includes('ready')) await new Promise((resolve) => setTimeout(resolve, 5));
     console.log('running');`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the process that the demo starts', () => {
  it.each([
    ['its own process alone', 1],
    ['its whole group, as Ctrl-C does', -1],
  ])('the process that the demo starts drains and ends with 0 when SIGINT reaches %s', async (_whom, sign) => {
    const demo = spawn(process.execPath, [join(folder, 'demo.mjs')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    let output = '';
    const ended = once(demo, 'exit');
    demo.stdout.on('data', (chunk: Buffer) => {
      const before = output;
      output += chunk.toString();
      if (!before.includes('running') && output.includes('running')) process.kill(sign * (demo.pid ?? 0), 'SIGINT');
    });
    expect(await ended).toEqual([0, null]);
    expect(output).toContain('ended 0');
  });
});
