import { describe, expect, it } from 'vitest';
import { Clock } from '../../src/common/clock.js';
import { OutcomeWriter } from '../../src/webhook/outcome-writer.js';
import type { SettledAttempt } from '../../src/webhook/claimed-delivery.js';
import type { OutcomeStore } from '../../src/webhook/outcome-store.js';
import type { ReceiverStore } from '../../src/webhook/receiver-store.js';

const outcome = (id: string) => ({ delivery: { id, keyId: 'acme', origin: 'https://a.example' } }) as SettledAttempt;

/** Takes the place of the tables: it records what it is given, and refuses some outcomes with some errors. */
function storeThat(refuses: (ids: readonly string[]) => Error | undefined) {
  const written: string[] = [];
  const store = {
    settle: (batch: readonly SettledAttempt[]) => {
      const ids = batch.map(({ delivery }) => delivery.id);
      const error = refuses(ids);
      if (error !== undefined) return Promise.reject(error);
      written.push(...ids);
      return Promise.resolve();
    },
  };
  const receivers = { writeHealth: () => Promise.resolve() } as unknown as ReceiverStore;
  return { written, writer: new OutcomeWriter(store as unknown as OutcomeStore, receivers, new Clock()) };
}

describe('outcomes of webhooks', () => {
  it('outcomes of webhooks that cannot be written hold up no others', async () => {
    const odd = Object.assign(new Error('value out of range'), { code: '22003', severity: 'ERROR' });
    const { written, writer } = storeThat((ids) => (ids.includes('odd') ? odd : undefined));
    for (const id of ['a', 'odd', 'b']) writer.add(outcome(id), id !== 'b');
    await writer.flush();
    expect(written).toEqual(['a', 'b']);
    writer.add(outcome('c'), false);
    await writer.flush();
    expect(written).toEqual(['a', 'b', 'c']);
  });

  it('outcomes of webhooks are kept, all of them, while the database is away', async () => {
    let away = true;
    const gone = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' });
    const { written, writer } = storeThat(() => (away ? gone : undefined));
    for (const id of ['a', 'b']) writer.add(outcome(id), id !== 'b');
    await writer.flush();
    expect(written).toEqual([]);
    away = false;
    await writer.flush();
    expect(written).toEqual(['a', 'b']);
  });
});
