import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packagePath } from '../docs/package-path.js';
import { TestService } from '../support/service.js';

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const rules = readFileSync(packagePath('deploy/prometheus/alerts.yml'), 'utf8');
const alerts = [...rules.matchAll(/^ +- alert: (\w+)$/gm)].map(([, name = '']) => name);
const dashboard = JSON.parse(readFileSync(packagePath('deploy/grafana/dashboard.json'), 'utf8')) as { panels: Panel[] };
const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** The words of PromQL that look like names of metrics. */
const WORDS = /^(?:by|and|sum|max|min|rate|increase|absent|time|histogram_quantile|min_over_time)$/;

/** The metrics that a query names: what is left of it without selectors, labels, ranges and strings. */
function metricsIn(query: string): string[] {
  const bare = query.replaceAll(/\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)/g, ' ');
  return [...bare.matchAll(/[a-z_][a-z0-9_]*/g)].map(([name]) => name).filter((name) => !WORDS.test(name));
}

/** The expressions of the rules, on one line or as a block. */
function expressions(): string[] {
  return [...rules.matchAll(/^ +expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)/gm)].map(
    ([, block, line]) => block ?? line ?? '',
  );
}

// Real: a whole service with its database, and its /metrics over HTTP.
describe('the dashboard and the alert rules', () => {
  let service: TestService;
  let scrape: string;

  beforeAll(async () => {
    service = await TestService.start();
    scrape = await (await fetch(`${service.origin}/metrics`)).text();
  });
  afterAll(async () => {
    await service.stop();
  });

  /** Names in a scrape, those of a histogram's series too. */
  const isScraped = (name: string) => {
    const base = name.replace(/_(?:bucket|count|sum)$/, '');
    return scrape.includes(`# TYPE ${name} `) || scrape.includes(`# TYPE ${base} histogram`);
  };

  it('the dashboard and the alert rules name only metrics that a running service has', () => {
    const named = [...new Set([...expressions(), ...queries].flatMap(metricsIn))];
    expect(expressions()).toHaveLength(alerts.length);
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((name) => !isScraped(name))).toEqual([]);
  });

  it('the dashboard and the alert rules leave out few metrics of the service', () => {
    const own = [...scrape.matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name);
    const shown = new Set(
      [...expressions(), ...queries].flatMap(metricsIn).map((name) => name.replace(/_(?:bucket|count)$/, '')),
    );
    const elsewhere = /^(?:process_|nodejs_)/;
    expect(own.filter((name) => !elsewhere.test(name) && !shown.has(name)).toSorted()).toEqual([
      // These explain a figure that the dashboard shows; they are looked up when one is odd.
      'http_requests_in_flight',
      'openai_queue_limit_reached_total',
      'outbound_requests_total',
      'webhook_body_changes_total',
      'webhook_requests_in_flight',
      'webhook_unknown_outcomes_total',
    ]);
  });

  it('a running service shows what is unfinished, its workers, its models, its pool and its build', () => {
    expect(scrape).toMatch(/^jobs_unfinished\{status="pending"\} 0$/m);
    expect(scrape).toMatch(/^lots_unfinished\{stage="vision_analysis"\} 0$/m);
    expect(scrape).toMatch(/^lots_oldest_unfinished_seconds 0$/m);
    expect(scrape).toMatch(/^workers_alive 1$/m);
    expect(scrape).toMatch(/^database_pool_connections_max \d+$/m);
    expect(scrape).toMatch(/^generation_service_build_info\{version="\d.*",role="all",node="\d.*"\} 1$/m);
    expect(scrape).toMatch(/^webhook_attempts_total\{outcome="exhausted"\} 0$/m);
  });

  it('an answered lot shows its cost by model and its job by mode and state', async () => {
    expect((await service.generate(service.request())).status).toBe(200);
    const after = await (await fetch(`${service.origin}/metrics`)).text();
    expect(after).toMatch(/^openai_cost_usd_total\{model="gpt-5\.6-terra",mode="direct"\} 0\.\d*[1-9]/m);
    expect(after).toMatch(/^jobs_ended_total\{mode="sync",status="completed"\} 1$/m);
  });

  it('a refused request is counted by its code', async () => {
    await (await fetch(`${service.origin}/api/v1/batch-jobs`)).text();
    const after = await (await fetch(`${service.origin}/metrics`)).text();
    expect(after).toMatch(/^requests_refused_total\{code="MISSING_SIGNATURE"\} [1-9]/m);
  });
});

it('every alert has an entry in docs/runbook.md and a test of its rule, and no entry is left over', () => {
  const runbook = readFileSync(packagePath('docs/runbook.md'), 'utf8');
  const entries = [...runbook.matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
  expect(alerts.length).toBeGreaterThan(10);
  expect(entries).toEqual(alerts);
  for (const name of alerts) expect(rules).toContain(`runbook: /docs/guides/runbook#${name.toLowerCase()}\n`);
  const tests = readFileSync(packagePath('deploy/prometheus/alerts.test.yml'), 'utf8');
  const tested = [...tests.matchAll(/^ +- name: (\w+)$/gm)].map(([, name]) => name);
  expect(new Set(tested)).toEqual(new Set(alerts));
});
