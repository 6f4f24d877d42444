// A real Prometheus with the rules as they are shipped, but for shorter `for:`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../free-port.mjs';
import { pause } from '../prove/stage.mjs';

const SHORT_FOR = '2s';

/**
 * @param folder - for its configuration and its data
 * @param targets - gives the addresses to scrape, as host:port; asked again and again
 */
export async function startPrometheus(folder, rules, targets) {
  const file = (name) => join(folder, name);
  const text = await readFile(rules, 'utf8');
  await writeFile(file('alerts.yml'), text.replaceAll(/^( +for:) .*$/gm, `$1 ${SHORT_FOR}`));
  const writeTargets = async () => {
    // Prometheus must not read half a file.
    await writeFile(file('targets.new'), JSON.stringify([{ targets: targets() }]));
    await rename(file('targets.new'), file('targets.json'));
  };
  await writeTargets();
  await writeFile(
    file('prometheus.yml'),
    `global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: [${file('alerts.yml')}]
scrape_configs:
  - job_name: generation-service
    file_sd_configs: [{ files: [${file('targets.json')}], refresh_interval: 1s }]
`,
  );
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = spawn(
    'prometheus',
    [
      `--config.file=${file('prometheus.yml')}`,
      `--storage.tsdb.path=${file('prometheus')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const timer = setInterval(() => void writeTargets(), 1000);
  const alerts = async () => {
    const answer = await fetch(`${origin}/api/v1/alerts`).catch(() => undefined);
    return answer?.ok ? (await answer.json()).data.alerts : [];
  };
  const firing = async () => [
    ...new Set((await alerts()).filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname)),
  ];
  for (let tries = 0; !(await fetch(`${origin}/-/ready`).catch(() => undefined))?.ok; tries++) {
    if (tries > 100 || child.exitCode !== null) throw new Error('Prometheus did not start');
    await pause(200);
  }
  return {
    /** The names of the alerts that fire now. */
    firing,
    /** Whether this alert fires within the time. */
    async untilFiring(name, patienceMs) {
      for (const end = performance.now() + patienceMs; performance.now() < end; await pause(500)) {
        if ((await firing()).includes(name)) return true;
      }
      return false;
    },
    async stop() {
      clearInterval(timer);
      if (child.exitCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    },
  };
}
