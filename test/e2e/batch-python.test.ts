import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from 'openai-sandbox';
import { hasInterpreter } from '../support/interpreters.js';
import { SECRETS, TestService } from '../support/service.js';

const LOTS = 300;
const CANCELLED_LOTS = 40;
/** Every so many lots one whose only photo is gone. */
const GONE_EVERY = 50;
const GONE = LOTS / GONE_EVERY;
const LANGUAGES = ['en', 'uk', 'de'];

const JSON_OBJECT = expect.any(Object) as JsonObject;

describe.runIf(hasInterpreter('python3'))('a Python client of batches written from the contract alone', () => {
  let service: TestService;
  let lotIds: readonly string[];
  let seen: Record<string, JsonObject>;

  beforeAll(async () => {
    service = await TestService.start({ environment: { BATCH_POLL_INTERVAL: '0.2' } });
    const lots = makeLots('night', LOTS);
    lotIds = lots.map(({ lot_id }) => lot_id);
    seen = await python({ lots, other_lots: makeLots('mistake', CANCELLED_LOTS), languages: LANGUAGES });
  });
  afterAll(() => service.stop());

  function makeLots(name: string, count: number) {
    const { car, other, third } = service.urls;
    return Array.from({ length: count }, (_, index) => ({
      lot_id: `${name}-${index}`,
      additional_info: `Лот ${index} — "${name}"`,
      images: (index % GONE_EVERY === GONE_EVERY - 1 ? [service.photos.url('gone.jpg')] : [car, other, third]).map(
        (url) => ({ url }),
      ),
    }));
  }

  async function python(order: JsonObject): Promise<Record<string, JsonObject>> {
    const child = spawn('python3', [join(import.meta.dirname, 'python_batch_client.py')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const keys = { key_id: 'acme', secret: SECRETS.acme, other_key_id: 'beta', other_secret: SECRETS.beta };
    child.stdin.end(JSON.stringify({ origin: service.origin, ...keys, ...order }));
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    expect(code).toBe(0);
    return JSON.parse(output) as Record<string, JsonObject>;
  }

  it('a Python client written from the contract alone makes a batch of 300 lots', () => {
    expect(seen['created']).toMatchObject({
      status: 'accepted',
      total_lots: LOTS,
      lots_count: LOTS,
      languages: LANGUAGES,
      processing_mode: 'batch',
      webhook_configured: false,
      estimated_cost_usd: expect.any(Number) as number,
    });
    expect(seen['early_results']).toMatchObject({
      code: 202,
      body: { error: 'Job not completed', progress: JSON_OBJECT },
      retry_after: expect.stringMatching(/^\d+$/) as string,
    });
  });

  it('a Python client written from the contract alone follows a batch to its end by ETag and Retry-After', () => {
    const { status, waits, ...end } = seen['followed'] as JsonObject & { waits: number[] };
    expect(status).toMatchObject({
      status: 'completed',
      progress: { total_lots: LOTS, processed_lots: LOTS - GONE, failed_lots: GONE, completion_percentage: 100 },
      processing_details: { current_stage: 'done' },
    });
    expect(waits.length).toBeGreaterThan(0);
    expect(waits.every((seconds) => seconds >= 1 && seconds <= 60)).toBe(true);
    expect(end).toMatchObject({ retry_after_at_end: null, unchanged: { code: 304, bytes: 0, same_etag: true } });
  });

  it('a Python client written from the contract alone downloads every lot once in every format, and counts what the status says', () => {
    const texts = LOTS - GONE;
    expect(seen['downloaded']).toMatchObject({
      summary: { total_lots: LOTS, processed_lots: texts, failed_lots: GONE, total_images_processed: 3 * texts },
      lot_ids: lotIds,
      count: {
        lots: LOTS,
        different: LOTS,
        status: { completed: texts, failed: GONE },
        errors: { IMAGE_UNREACHABLE: GONE },
        texts: { en: texts, uk: texts, de: texts },
        fallbacks: 0,
        missing_images: GONE,
        without_markup: 0,
      },
      answer_is_file: true,
      ndjson_is_json: true,
      csv_columns: [
        'job_id',
        'lot_id',
        'status',
        'language',
        'damages',
        'missing_images',
        'error',
        'text',
        'needs_review',
        'photo_problems',
      ],
      csv_texts_are_json: true,
      csv_without_text: [[['failed', 'IMAGE_UNREACHABLE'], GONE]],
      csv_job_ids: [seen['created']?.['job_id']],
    });
    const { names } = seen['downloaded'] as { names: Record<string, string> };
    const id = String(seen['created']?.['job_id']);
    for (const format of ['json', 'ndjson', 'csv']) {
      expect(names[format]).toBe(`attachment; filename="batch_results_${id}.${format}"`);
    }
  });

  it('a Python client written from the contract alone cancels another job, once', () => {
    expect(seen['cancelled']).toEqual([200, expect.objectContaining({ status: 'cancelled' })]);
    expect(seen['cancelled_again']).toEqual([
      409,
      expect.objectContaining({ code: 'JOB_NOT_CANCELLABLE', status: 'cancelled' }),
    ]);
    expect(seen['cancelled_status']).toMatchObject({ status: 'cancelled', progress: { total_lots: CANCELLED_LOTS } });
    expect(seen['cancelled_results']).toMatchObject({
      count: { lots: CANCELLED_LOTS, different: CANCELLED_LOTS, status: { cancelled: CANCELLED_LOTS }, texts: {} },
      ndjson_is_json: true,
      csv_without_text: [[['cancelled', ''], CANCELLED_LOTS]],
    });
    const jobs = [seen['second'], seen['created']].map((job) => ({ job_id: job?.['job_id'] }));
    expect(seen['jobs']).toMatchObject({ jobs, pagination: { total: 2 } });
  });

  it('a Python client written from the contract alone sees nothing of another key’s jobs, neither while they run nor afterwards', () => {
    for (const when of ['other_early', 'other_late']) {
      const answers = seen[when] as Record<string, unknown>;
      expect(Object.keys(answers)).toHaveLength(10);
      for (const [request, answer] of Object.entries(answers)) {
        expect([request, answer]).toEqual([request, [404, 'JOB_NOT_FOUND']]);
      }
    }
    expect(seen['other_jobs']).toMatchObject({ jobs: [], pagination: { total: 0, has_more: false } });
  });

  it('a Python client written from the contract alone gets 403 with another’s name and its own secret', () => {
    for (const [request, answer] of Object.entries(seen['lost_key'] ?? {})) {
      expect([request, answer]).toEqual([request, [403, 'INVALID_SIGNATURE']]);
    }
  });
});
