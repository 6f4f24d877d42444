// npm run prove:alerts: makes each alert fire that a person would be woken by. The built service (an api and a worker) and the
// sandbox in place of OpenAI run in processes of their own on loopback; a real Prometheus scrapes them and judges the rules
// of deploy/prometheus/alerts.yml. Only their `for:` is shortened, and where hours would pass, times in the database are
// moved back.
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { stopAtSignal } from './prove/at-signal.mjs';
import { CAUSES } from './prove-alerts/causes.mjs';
import { Night } from './prove-alerts/night.mjs';
import { startPrometheus } from './prove-alerts/prometheus.mjs';

const run = promisify(execFile);
const RULES = new URL('../deploy/prometheus/', import.meta.url).pathname;
/** Scrapes and rules are due every second; an alert must be firing within this time after its cause. */
const PATIENCE_MS = 150_000;
/** With so long a look at an ordinary service, each rule has been judged several times. */
const ORDINARY_MS = 15_000;

if (['prometheus', 'promtool'].some((program) => spawnSync(program, ['--version']).error !== undefined)) {
  console.error('This needs programs that are not here: apt-get install prometheus');
  process.exit(2);
}
for (const words of [
  ['check', 'rules', 'alerts.yml'],
  ['test', 'rules', 'alerts.test.yml'],
]) {
  const { stdout } = await run('promtool', words, { cwd: RULES });
  console.log(`promtool ${words.join(' ')}: ${stdout.trim().split('\n').at(-1).trim()}`);
}

const startedAt = performance.now();
let failures = 0;
let night;
let prometheus;
const stop = stopAtSignal(async () => {
  await prometheus?.stop();
  await night?.end();
});
try {
  night = await Night.begin();
  prometheus = await startPrometheus(night.stage.folder, `${RULES}alerts.yml`, () => night.targets());
  await night.ordinary(ORDINARY_MS);
  const early = await prometheus.firing();
  report(early.length === 0, `an ordinary service (${ORDINARY_MS / 1000} s): ${early.join(', ') || 'no alert fires'}`);
  const complaints = await night.lint();
  report(complaints.length === 0, `promtool check metrics: ${complaints.join('; ') || 'only the library’s own names'}`);
  for (const { alert, what, cause } of CAUSES) {
    const from = performance.now();
    const end = await cause(night);
    const fires = await prometheus.untilFiring(alert, PATIENCE_MS);
    await end?.();
    const others = (await prometheus.firing()).filter((name) => name !== alert);
    const seconds = ((performance.now() - from) / 1000).toFixed(0);
    const besides = others.length === 0 ? '' : ` (also firing: ${others.join(', ')})`;
    report(fires, `${alert.padEnd(18)} ${what}: ${fires ? `firing after ${seconds} s` : 'does not fire'}${besides}`);
  }
} finally {
  await stop();
}
const seconds = Math.round((performance.now() - startedAt) / 1000);
console.log(failures === 0 ? `PROVEN (${seconds} s)` : `NOT PROVEN: ${failures} claims do not hold (${seconds} s)`);
process.exit(failures === 0 ? 0 : 1);

function report(holds, text) {
  console.log(`  ${holds ? 'holds' : 'DOES NOT HOLD'}: ${text}`);
  if (!holds) failures += 1;
}
