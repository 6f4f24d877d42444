import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assertStep, isEnd, SHARD_STEPS, type ShardStatus } from '../../src/batch/shards/shard-states.js';

const STATES = Object.keys(SHARD_STEPS) as ShardStatus[];

const root = join(import.meta.dirname, '..', '..');

/** The steps of the diagram of docs/architecture.md that begins with shards' first state. */
function drawnSteps(): [ShardStatus, ShardStatus][] {
  const document = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8');
  const diagram = document.split('stateDiagram-v2').find((text) => text.includes('[*] --> checking_photos')) as string;
  return [...diagram.matchAll(/^ +(\w+) --> (\w+)/gm)].map(([, from, to]) => [from, to] as [ShardStatus, ShardStatus]);
}

it('the states of a shard are those that the check of schema.sql lets through', () => {
  const schema = readFileSync(join(root, 'schema.sql'), 'utf8');
  const list = /openai_batches_status_check CHECK \(\(status = ANY \(ARRAY\[(.*?)\]/.exec(schema)?.[1] ?? '';
  expect([...list.matchAll(/'(\w+)'/g)].map(([, status]) => status)).toEqual(STATES);
});

describe('the steps of a shard', () => {
  it('the steps of a shard are drawn in docs/architecture.md as the code has them', () => {
    const steps = drawnSteps();
    const drawn = Object.fromEntries(
      STATES.map((from) => [
        from,
        [...new Set(steps.filter(([start, to]) => start === from && !isEnd(to)).map(([, to]) => to))],
      ]),
    );
    for (const from of STATES) expect(drawn[from]?.toSorted(), from).toEqual(SHARD_STEPS[from].toSorted());
    expect(steps.filter(([from, to]) => isEnd(from) || !STATES.includes(to))).toEqual([]);
  });

  it.each([
    ['queued', 'watching'],
    ['checking_photos', 'submitting'],
    ['taking_in', 'queued'],
    ['direct', 'queued'],
    ['done', 'queued'],
    ['done', 'cancelled'],
    ['cancelled', 'done'],
  ] as const)('a shard may not go from %s to %s', (from, to) => {
    expect(() => assertStep(from, to)).toThrow(`a shard that is ${from} cannot become ${to}`);
  });

  it('a shard may go from any unfinished state to an end, and may stay in any state', () => {
    for (const state of STATES) {
      assertStep(state, state);
      if (!isEnd(state)) assertStep(state, 'done');
      if (!isEnd(state)) assertStep(state, 'cancelled');
    }
  });
});
