import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { packagePath } from './package-path.js';

const text = readFileSync(packagePath('compose.yaml'), 'utf8');

/** The text of one member, at whatever depth its name stands, with all that is below it. */
function member(name: string): string {
  const found = new RegExp(`^( *)${name}:.*\\n(?:(?:\\1 +.*)?\\n)*`, 'm').exec(text);
  if (found === null) throw new Error(`compose.yaml has no ${name}`);
  return found[0];
}

/** What every container of the service takes over. */
const common = member('x-service');

describe('compose.yaml', () => {
  it('compose.yaml builds one image, once', () => {
    expect(text.match(/^ *build:/gm)).toHaveLength(1);
    expect(common).toMatch(/^ {2}image: \S+$/m);
    for (const name of ['migrate', 'api', 'worker']) expect(member(name)).toContain('<<: *service');
  });

  it('compose.yaml asks the database for its health over TCP', () => {
    expect(member('healthcheck')).toMatch(/pg_isready.*'-h', '127\.0\.0\.1'/);
  });

  it('compose.yaml starts again what ends by itself', () => {
    for (const name of [' database', ' api', ' worker']) expect(member(name)).toContain('restart: unless-stopped');
  });

  it.each([
    ['the service', () => common],
    ['the database', () => member(' database')],
  ])(
    'compose.yaml gives %s bounded memory, a root that cannot be written to, and no capability that it does not need',
    (_of, find) => {
      const part = find();
      expect(part).toMatch(/^ +mem_limit: \d+g$/m);
      expect(part).toMatch(/^ +read_only: true$/m);
      expect(part).toMatch(/^ +cap_drop: \[ALL\]$/m);
      expect(part).toContain('no-new-privileges:true');
      // Where it must write all the same.
      expect(part).toMatch(/^ +tmpfs:\n +- \/tmp$/m);
    },
  );

  it('compose.yaml gives uploads a volume of each container’s own: its folders are named by process numbers', () => {
    expect(common).toMatch(/^ +- \/app\/\.data$/m);
  });
});
