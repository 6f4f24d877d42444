import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { at, longestEnd, partAt, readYamls, settings, type Part } from './manifests.js';
import { packagePath } from './package-path.js';

const FOLDER = 'deploy/kubernetes';
const all = readdirSync(packagePath(FOLDER)).flatMap((file) => readYamls(`${FOLDER}/${file}`));
const ofKind = (kind: string) => all.filter((manifest) => manifest['kind'] === kind);
const named = (kind: string, name: string) =>
  ofKind(kind).find((manifest) => at(manifest, 'metadata', 'name') === name) ?? {};
const nameOf = (manifest: Part) => String(at(manifest, 'metadata', 'name'));
const podOf = (manifest: Part) => partAt(manifest, 'spec', 'template', 'spec');
const containerOf = (manifest: Part) => partAt(podOf(manifest), 'containers', 0);
const roles = [named('Job', 'migrate'), named('Deployment', 'api'), named('Deployment', 'worker')];
const served = roles.slice(1);

/** The variables that a container has by its manifest, those of the ConfigMap too. */
function environmentOf(manifest: Part): Record<string, string> {
  const own = (containerOf(manifest)['env'] as { name: string; value: string }[]).map(({ name, value }) => [
    name,
    value,
  ]);
  const shared =
    containerOf(manifest)['envFrom'] === undefined ? {} : partAt(named('ConfigMap', 'generation-settings'), 'data');
  return { ...(shared as Record<string, string>), ...(Object.fromEntries(own) as Record<string, string>) };
}

describe('deploy/kubernetes', () => {
  it('deploy/kubernetes has each role once, and everything in one namespace', () => {
    expect(roles.map((manifest) => environmentOf(manifest)['ROLE'])).toEqual(['migrate', 'api', 'worker']);
    for (const manifest of all) {
      if (manifest['kind'] === 'Namespace') expect(nameOf(manifest)).toBe('generation-service');
      else expect(at(manifest, 'metadata', 'namespace'), nameOf(manifest)).toBe('generation-service');
    }
  });

  it('deploy/kubernetes sets nothing that is no setting, and takes each secret from a file that is mounted', () => {
    const secrets = Object.keys(partAt(named('Secret', 'generation-secrets'), 'stringData'));
    for (const manifest of roles) {
      const environment = environmentOf(manifest);
      expect([...settings().keys()]).toEqual(expect.arrayContaining(Object.keys(environment)));
      const folder = (containerOf(manifest)['volumeMounts'] as { name: string; mountPath: string }[]).find(
        ({ name }) => name === 'secrets',
      )?.mountPath;
      const files = Object.entries(environment).filter(([name]) => name.endsWith('_FILE'));
      expect(files.length).toBeGreaterThan(0);
      for (const [, path] of files) expect(secrets.map((name) => `${folder}/${name}`)).toContain(path);
    }
  });

  it('deploy/kubernetes asks the port that the service listens on, and paths that it has', () => {
    const { paths } = JSON.parse(readFileSync(packagePath('openapi.json'), 'utf8')) as { paths: Part };
    for (const manifest of served) {
      const container = containerOf(manifest);
      expect(container['ports']).toEqual([{ name: 'http', containerPort: Number(settings().get('PORT')) }]);
      const probes = ['startupProbe', 'readinessProbe', 'livenessProbe'].map((probe) =>
        partAt(container, probe, 'httpGet'),
      );
      expect(probes.map(({ path }) => path)).toEqual(['/health', '/ready', '/health']);
      for (const { path, port } of probes) {
        expect(Object.keys(paths)).toContain(path);
        expect(port).toBe('http');
      }
    }
    expect(at(named('Service', 'api'), 'spec', 'ports', 0, 'targetPort')).toBe('http');
  });

  it('deploy/kubernetes leads all of the API and its pages to the api, and neither /metrics nor /ready', () => {
    const rules = at(named('Ingress', 'api'), 'spec', 'rules', 0, 'http', 'paths') as {
      path: string;
      pathType: string;
    }[];
    const leads = (path: string) =>
      rules.some((rule) => (rule.pathType === 'Exact' ? path === rule.path : `${path}/`.startsWith(`${rule.path}/`)));
    const { paths } = JSON.parse(readFileSync(packagePath('openapi.json'), 'utf8')) as { paths: Part };
    const assets = ['docs', 'home'].flatMap((room) =>
      [
        ...readFileSync(packagePath(`src/${room}/${room}.setup.ts`), 'utf8').matchAll(/'(\/[\w.-]*(?:\/[\w.-]*)*)'/g),
      ].map(([, path]) => path as string),
    );
    expect(assets.length).toBeGreaterThan(4);
    const hidden = new Set(['/metrics', '/ready']);
    const unled = [...Object.keys(paths), ...assets].filter((path) => !hidden.has(path) && !leads(path));
    expect(unled).toEqual([]);
    for (const path of hidden) expect(leads(path)).toBe(false);
  });

  it('deploy/kubernetes lets each process end by itself before it is killed', () => {
    for (const manifest of served) {
      const before = Number(at(containerOf(manifest), 'lifecycle', 'preStop', 'sleep', 'seconds') ?? 0);
      expect(Number(podOf(manifest)['terminationGracePeriodSeconds'])).toBeGreaterThan(
        before + longestEnd(environmentOf(manifest)),
      );
    }
    expect(Number(environmentOf(roles[1] ?? {})['SHUTDOWN_GRACE'])).toBeGreaterThanOrEqual(
      Number(settings().get('SYNC_TIMEOUT')),
    );
  });

  it('deploy/kubernetes runs nothing as root, with a root that can be written to, or with a token of the cluster', () => {
    for (const manifest of roles) {
      expect(podOf(manifest)).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, runAsUser: 1000 },
      });
      expect(containerOf(manifest)['securityContext']).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(at(containerOf(manifest), 'resources', 'limits', 'memory')).toMatch(/^\d+[GM]i$/);
    }
  });

  it('deploy/kubernetes selects by labels that its pods have', () => {
    const labels = roles.map((manifest) => partAt(manifest, 'spec', 'template', 'metadata', 'labels'));
    const selectors = [
      ...ofKind('Service').map((manifest) => partAt(manifest, 'spec', 'selector')),
      ...[...ofKind('Deployment'), ...ofKind('PodDisruptionBudget')].map((manifest) =>
        partAt(manifest, 'spec', 'selector', 'matchLabels'),
      ),
    ];
    expect(selectors).toHaveLength(5);
    for (const selector of selectors) expect(labels).toContainEqual(expect.objectContaining(selector));
  });

  it('deploy/kubernetes lets the service out to OpenAI, photos and webhooks, and not to the own networks of a cluster', () => {
    const blocks = (at(named('NetworkPolicy', 'to-the-world'), 'spec', 'egress', 0, 'to') as Part[]).map((to) =>
      partAt(to, 'ipBlock'),
    );
    expect(blocks[0]?.['except']).toEqual(
      expect.arrayContaining(['10.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16']),
    );
    expect(at(named('NetworkPolicy', 'nothing-else'), 'spec')).toEqual({
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
    });
  });
});
