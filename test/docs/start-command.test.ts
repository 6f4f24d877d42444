import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('the start command', () => {
  it('the start command is the same in the image as in npm start: memory was measured with these flags', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: { start: string } };
    const [, words] = /^CMD (\[.*\])$/m.exec(read('Dockerfile')) ?? [];
    expect(JSON.parse(words ?? 'null')).toEqual(scripts.start.split(' '));
  });
});
