import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lotOf, TestService } from '../support/service.js';
import type { JsonObject } from 'openai-sandbox';

/** A lot whose listing asks the sandbox for a scene. */
function asking(service: TestService, scene: string, members: JsonObject): JsonObject {
  const body = service.request(members);
  lotOf(body)['additional_info'] = `sandbox-scene:${scene}`;
  return body;
}

function damages(body: JsonObject): string[] {
  return (lotOf(body)['descriptions'] as JsonObject[]).map((description) => description['damages'] as string);
}

describe('notes in the synchronous answer', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
  });
  beforeEach(() => service.reset());
  afterAll(() => service.stop());

  it('stand in the texts, translated, and in the assessment, where they are asked for', async () => {
    const body = asking(service, 'two_dents', { languages: ['en', 'de', 'en-US'], include: ['notes', 'assessment'] });
    const { status, body: answer } = await service.generate(body);
    expect(status).toBe(200);
    const [english, german, american] = damages(answer);
    expect(english).toContain('Note: Pressed inward along a soft line.</p>');
    expect(american).toContain('Note: Pressed inward along a soft line.</p>');
    expect(german).toContain('Anmerkung: Entlang einer weichen Linie eingedrückt.</p>');
    const { findings } = lotOf(answer)['assessment'] as { findings: { description: string | null }[] };
    expect(findings.map(({ description }) => description)).toEqual([
      'Pressed inward along a soft line.',
      'Pressed inward along a soft line.',
    ]);
    expect(answer).toMatchObject({ pending_languages: [], warnings: [] });
  });

  it('are nowhere where they are not asked for', async () => {
    const body = asking(service, 'two_dents', { languages: ['en', 'de'], include: ['assessment'] });
    const { body: answer } = await service.generate(body);
    expect(JSON.stringify(answer)).not.toMatch(/Note:|Anmerkung:|Pressed inward/);
    const { findings } = lotOf(answer)['assessment'] as { findings: { description: string | null }[] };
    expect(findings.map(({ description }) => description)).toEqual([null, null]);
  });

  it('are left out in a language whose translation does not pass or does not come, and the text stands', async () => {
    await service.sandbox.faults({ action: 'broken_json', kind: 'translation' });
    const body = asking(service, 'two_dents', { languages: ['en', 'de'], include: ['notes'] });
    const { status, body: answer } = await service.generate(body);
    expect(status).toBe(200);
    const [english, german] = damages(answer);
    expect(english).toContain('Note:');
    expect(german).toContain('Tür vorn links');
    expect(german).not.toContain('Anmerkung');
    expect(answer).toMatchObject({ pending_languages: [] });
  });

  it('are refused as what no list of include holds when they are misspelled', async () => {
    const { status, body } = await service.generate(service.request({ include: ['note'] }));
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain('must be a list of assessment, usage, notes');
  });
});

describe('NOTES=true', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start({ environment: { NOTES: 'true' } });
  });
  afterAll(() => service.stop());

  it('asks for notes with every request, whatever it includes, and writes that down with the job', async () => {
    for (const include of [undefined, ['assessment']]) {
      const members = include === undefined ? { languages: ['en'] } : { languages: ['en'], include };
      const { body } = await service.generate(asking(service, 'two_dents', members));
      expect(damages(body)[0]).toContain('Note: Pressed inward along a soft line.</p>');
      expect('assessment' in lotOf(body)).toBe(include !== undefined);
    }
    const jobs = await service.db.database.query<{ include: string[] }>(
      `select options->'include' as include from batch_jobs order by created_at`,
    );
    expect(jobs.map(({ include }) => include)).toEqual([['notes'], ['assessment', 'notes']]);
  });
});
