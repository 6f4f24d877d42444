import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DELIVERY_STATUSES, isOpen, isPending } from '../../src/webhook/delivery-states.js';
import { createRig } from './support/rig.js';

it('the states of a delivery are those that the check of schema.sql lets through', () => {
  const schema = readFileSync(join(import.meta.dirname, '..', '..', 'schema.sql'), 'utf8');
  const list = /webhook_deliveries_status_check CHECK \(\(status = ANY \(ARRAY\[(.*?)\]/.exec(schema)?.[1] ?? '';
  expect([...list.matchAll(/'(\w+)'/g)].map(([, status]) => status)).toEqual(DELIVERY_STATUSES);
});

it('conditions on a delivery’s state hold for those states alone, with an alias or without', async () => {
  const rig = await createRig();
  try {
    const which = async (condition: string) => {
      const rows = await rig.db.database.query<{ status: string }>(
        `select status from unnest($1::text[]) as d (status) where ${condition}`,
        [DELIVERY_STATUSES],
      );
      return rows.map(({ status }) => status);
    };
    expect(await which(isPending())).toEqual(['pending']);
    expect(await which(isOpen('d.'))).toEqual(['pending', 'in_flight']);
  } finally {
    await rig.close();
  }
});
