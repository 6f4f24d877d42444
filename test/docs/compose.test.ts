import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { at, longestEnd, partAt, readYaml, seconds, settings } from './manifests.js';
import { packagePath } from './package-path.js';

const compose = readYaml('compose.yaml');
const nginx = readFileSync(packagePath('deploy/nginx.conf'), 'utf8');
const service = (name: string) => partAt(compose, 'services', name);
const OURS = ['migrate', 'api-1', 'api-2', 'worker'];
const ALL = ['database', ...OURS, 'nginx'];
const networkOf = (name: string) => at(service(name), 'networks', 'front', 'ipv4_address');

describe('compose.yaml', () => {
  it('compose.yaml has a database, a migration, two api, a worker and nginx, of one image that is built once', () => {
    expect(Object.keys(partAt(compose, 'services')).toSorted()).toEqual(ALL.toSorted());
    expect(OURS.filter((name) => service(name)['build'] !== undefined)).toEqual(['migrate']);
    expect(new Set(OURS.map((name) => service(name)['image'])).size).toBe(1);
    expect(OURS.map((name) => at(service(name), 'environment', 'ROLE'))).toEqual(['migrate', 'api', 'api', 'worker']);
  });

  it('compose.yaml sets nothing that is no setting', () => {
    for (const name of OURS)
      expect([...settings().keys()]).toEqual(expect.arrayContaining(Object.keys(partAt(service(name), 'environment'))));
    const files = readYaml('deploy/compose.secrets.yaml');
    for (const name of OURS) {
      const environment = partAt(files, 'services', name, 'environment');
      expect([...settings().keys()]).toEqual(expect.arrayContaining(Object.keys(environment)));
      const mounted = (at(files, 'services', name, 'secrets') as string[]).map((secret) => `/run/secrets/${secret}`);
      expect(mounted.toSorted()).toEqual(Object.values(environment).map(String).toSorted());
    }
  });

  it('compose.yaml asks the database for its health over TCP', () => {
    expect(at(service('database'), 'healthcheck', 'test')).toEqual(
      expect.arrayContaining(['pg_isready', '-h', '127.0.0.1']),
    );
  });

  it('compose.yaml starts each after what it needs', () => {
    const needs = (name: string) =>
      Object.keys(partAt(service(name), 'depends_on')).map(
        (other) => `${other} ${String(at(service(name), 'depends_on', other, 'condition'))}`,
      );
    expect(needs('migrate')).toEqual(['database service_healthy']);
    for (const name of ['api-1', 'api-2', 'worker'])
      expect(needs(name)).toEqual(['migrate service_completed_successfully']);
    expect(needs('nginx')).toEqual(['api-1 service_healthy', 'api-2 service_healthy']);
  });

  it('compose.yaml starts again what ends by itself, and a migration that failed', () => {
    for (const name of ALL)
      expect(service(name)['restart']).toBe(name === 'migrate' ? 'on-failure:10' : 'unless-stopped');
  });

  it('compose.yaml lets each process end by itself before it is killed', () => {
    for (const name of ['api-1', 'api-2', 'worker']) {
      expect(seconds(service(name)['stop_grace_period'])).toBeGreaterThan(
        longestEnd(partAt(service(name), 'environment')),
      );
    }
    expect(seconds(service('nginx')['stop_grace_period'])).toBeGreaterThan(310);
  });

  it('compose.yaml lets an api answer a lot in all the time that it may take', () => {
    for (const name of ['api-1', 'api-2']) {
      expect(Number(at(service(name), 'environment', 'SHUTDOWN_GRACE'))).toBeGreaterThanOrEqual(
        Number(settings().get('SYNC_TIMEOUT')),
      );
    }
  });

  it('compose.yaml publishes nginx alone, and shows the database to nobody but the service', () => {
    expect(ALL.filter((name) => service(name)['ports'] !== undefined)).toEqual(['nginx']);
    expect(service('database')['networks']).toEqual(['back']);
    expect(at(compose, 'networks', 'back', 'internal')).toBe(true);
  });

  it('compose.yaml gives fixed addresses to the api, which nginx knows, and to nginx, which the api trust', () => {
    expect(service('nginx')['extra_hosts']).toEqual(
      ['api-1', 'api-2'].map((name) => `${name}:${networkOf(name) as string}`),
    );
    for (const name of ['api-1', 'api-2']) {
      expect(nginx).toContain(`server ${name}:${String(at(service(name), 'environment', 'PORT'))} `);
      expect(at(service(name), 'environment', 'TRUST_PROXY')).toBe(networkOf('nginx'));
    }
  });

  it.each(ALL)(
    'compose.yaml gives %s bounded memory, a root that cannot be written to, and no capability that it does not need',
    (name) => {
      const part = service(name);
      expect(part['mem_limit']).toMatch(/^\d+[gm]$/);
      expect(part['read_only']).toBe(true);
      expect(part['cap_drop']).toEqual(['ALL']);
      expect(part['security_opt']).toEqual(['no-new-privileges:true']);
      // Where it must write all the same.
      expect(part['tmpfs']).toContain('/tmp');
    },
  );

  it('compose.yaml gives uploads a volume of each container’s own: its folders are named by process numbers', () => {
    for (const name of OURS) expect(service(name)['volumes']).toEqual(['/app/.data']);
  });
});

describe('deploy/nginx.conf', () => {
  const value = (name: string) => new RegExp(`^ *${name} (.*);$`, 'm').exec(nginx)?.[1] ?? '';

  it('deploy/nginx.conf waits longer for an answer than a lot may take', () => {
    expect(seconds(value('proxy_read_timeout'))).toBeGreaterThan(Number(settings().get('SYNC_TIMEOUT')));
  });

  it('deploy/nginx.conf takes what the service takes', () => {
    expect(Number.parseInt(value('client_max_body_size'), 10) * 1024 ** 2).toBeGreaterThan(
      Number(settings().get('MAX_BODY_BYTES')),
    );
  });

  it('deploy/nginx.conf closes idle connections and forgets failures before an api that ends takes no more', () => {
    const delay = Number(at(service('api-1'), 'environment', 'SHUTDOWN_DELAY'));
    const idle = Number(/keepalive 64;[^}]*keepalive_timeout (\d+)s/.exec(nginx)?.[1]);
    expect(idle).toBeLessThan(delay);
    expect(idle).toBeLessThan(Number(settings().get('KEEP_ALIVE_TIMEOUT')));
    for (const [, failed] of nginx.matchAll(/fail_timeout=(\d+)s/g)) expect(Number(failed)).toBeLessThan(delay);
  });
});
