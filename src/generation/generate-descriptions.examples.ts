import { API_VERSION } from '../common/api-version.js';
import { ADDRESS_RULE } from '../outbound/address-rules.js';
import type { ErrorMembers } from '../common/error.dto.js';
import type { ErrorCode } from '../common/service-error.js';
import { LOT_EXAMPLE } from '../jobs/lot-result.dto.js';
import type { BatchAcceptedAnswerDto, HandedOverAnswerDto, SynchronousAnswerDto } from './generate-descriptions.dto.js';

const JOB_ID = '0190163d-8694-739b-aea5-966c26f8ad90';

/** Request bodies to start from, as Swagger UI offers them. */
export const REQUEST_EXAMPLES = {
  'one lot, answered at once': {
    value: {
      version: API_VERSION,
      languages: ['en', 'de', 'ru'],
      lots: [
        {
          lot_id: '11-12345',
          additional_info: '2021 BMW X5, 48,000 km',
          images: [
            { url: 'https://cdn.example.com/11-12345/1.jpg' },
            { url: 'https://cdn.example.com/11-12345/2.jpg' },
          ],
        },
      ],
      include: ['usage'],
    },
  },
  'a batch with a webhook': {
    value: {
      version: API_VERSION,
      languages: ['en', 'pt-BR'],
      mode: 'batch',
      webhook_url: 'https://client.example.com/hook',
      metadata: { auction: 'A-17' },
      max_cost_usd: 25,
      lots: [
        { lot_id: '11-12345', images: [{ url: 'https://cdn.example.com/11-12345/1.jpg' }] },
        { lot_id: '11-12346', images: [{ url: 'https://cdn.example.com/11-12346/1.jpg' }] },
      ],
    },
  },
};

/** The same as lines: the request without lots, then a lot each. */
export const NDJSON_EXAMPLE = [
  { version: API_VERSION, languages: ['en', 'pt-BR'], mode: 'batch' },
  { lot_id: '11-12345', images: ['https://cdn.example.com/11-12345/1.jpg'] },
  { lot_id: 11_346, images: [{ url: 'https://cdn.example.com/11-12346/1.jpg' }] },
]
  .map((line) => `${JSON.stringify(line)}\n`)
  .join('');

export const DESCRIBED_EXAMPLE = {
  version: API_VERSION,
  job_id: JOB_ID,
  processing_mode: 'synchronous',
  total_lots: 1,
  processed_at: '2026-01-01T00:00:00Z',
  lots: [LOT_EXAMPLE],
  warnings: [],
  pending_languages: [],
} satisfies SynchronousAnswerDto;

export const ACCEPTED_EXAMPLE = {
  job_id: JOB_ID,
  status: 'accepted',
  created_at: '2026-01-01T00:00:00Z',
  total_lots: 2,
  lots_count: 2,
  languages: ['en', 'pt-BR'],
  estimated_completion: '2026-01-02T00:00:00Z',
  processing_mode: 'batch',
  webhook_configured: true,
  estimated_cost_usd: 0.031,
  warnings: [],
} satisfies BatchAcceptedAnswerDto;

export const HANDED_OVER_EXAMPLE = {
  job_id: JOB_ID,
  status: 'processing',
  processing_mode: 'synchronous',
  total_lots: 1,
  created_at: '2026-01-01T00:00:00Z',
  languages: ['en', 'de'],
  message: 'The work continues; follow the job at the address in Location.',
  warnings: [],
} satisfies HandedOverAnswerDto;

export interface ErrorExample {
  readonly message: string;
  readonly details?: Record<string, unknown>;
  /** Top-level members beside the usual five. */
  readonly members?: ErrorMembers;
}

const MISSING_EXAMPLE = {
  missing_images: ['https://cdn.example.com/11-12345/2.jpg'],
  photo_problems: [{ url: 'https://cdn.example.com/11-12345/2.jpg', reason: 'not_found' }],
} satisfies ErrorMembers;

const SEEN_EXAMPLE = {
  method: 'POST',
  target: '/api/v1/generate-descriptions',
  body_sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  server_time: '2026-01-01T00:00:00Z',
};

/** Every refusal of the endpoint. */
export const ERROR_EXAMPLES = {
  INVALID_JSON: { message: 'The request without its lots is not valid JSON (near its line 2, character 20).' },
  VALIDATION_FAILED: {
    message: 'Some values are not valid; details lists each field with its rule.',
    details: { fields: [{ path: 'lots[0].images', rule: 'must name at least one photo' }], count: 1 },
  },
  UNSUPPORTED_VERSION: {
    message: `This service speaks version "${API_VERSION}"; send it as version.`,
    details: { supported_versions: [API_VERSION] },
  },
  TOO_MANY_IMAGES: {
    message: 'A lot may have at most 20 photos in a synchronous request, 100 with mode "batch".',
    details: { lot_ids: ['11-12345'], max_allowed: 20 },
  },
  IMAGE_UNREACHABLE: {
    message: 'Too many photos cannot be reached; missing_images names them.',
    details: MISSING_EXAMPLE,
    members: MISSING_EXAMPLE,
  },
  MISSING_SIGNATURE: {
    message: 'Sign the request: X-Timestamp and X-Signature, or signature in the body.',
    details: { seen: SEEN_EXAMPLE },
  },
  INVALID_SIGNATURE: {
    message: 'The signature is not valid. details.seen shows what was received.',
    details: { seen: SEEN_EXAMPLE },
  },
  DUPLICATE_LOT_ID: {
    message: 'Each lot_id may be used only once in a request.',
    details: { lot_ids: ['11-12345'] },
  },
  JOB_CANCELLED: {
    message: 'Another request cancelled the job. Send this request again to start a new job.',
    details: { job_id: '0190163d-8694-739b-aea5-966c26f8ad91' },
  },
  REQUEST_IN_PROGRESS: { message: 'The same request is just being accepted; send it again in a moment.' },
  BATCH_SIZE_EXCEEDED: {
    message: 'Send at most 50000 lots in one request.',
    details: { provided_lots: 50_001, max_allowed: 50_000 },
    members: { provided_lots: 50_001, max_allowed: 50_000 },
  },
  BODY_TOO_LARGE: {
    message: 'The body may hold 268435456 bytes, counted after decompression.',
    details: { max_bytes: 268_435_456 },
  },
  UNSUPPORTED_MEDIA_TYPE: { message: 'Send Content-Type: application/json, in UTF-8.' },
  INVALID_IMAGE_URLS: {
    message: `Photos need ${ADDRESS_RULE}.`,
    details: { invalid_urls: ['http://10.0.0.1/1.jpg'], count: 1 },
    members: { invalid_urls: ['http://10.0.0.1/1.jpg'] },
  },
  INVALID_WEBHOOK_URL: {
    message: `Webhooks need ${ADDRESS_RULE}.`,
    details: { invalid_urls: ['http://localhost/hook'] },
  },
  UNSUPPORTED_LANGUAGE: {
    message: 'Not a supported language: "ua" (did you mean "uk"?).',
    details: { languages: [{ tag: 'ua', suggestion: 'uk' }] },
  },
  IDEMPOTENCY_KEY_REUSED: { message: 'This Idempotency-Key was used with another body; take a new one.' },
  COST_LIMIT_EXCEEDED: {
    message: 'The estimate is above max_cost_usd; nothing was sent.',
    details: { estimated_cost_usd: 41.2, max_cost_usd: 25 },
  },
  RATE_LIMITED: { message: 'At most 100 sync requests a minute; wait for the seconds in Retry-After.' },
  TOO_MANY_ACTIVE_JOBS: { message: 'At most 100 jobs of a key may be unfinished at a time.' },
  INTERNAL_ERROR: { message: 'Something failed on our side; quote request_id when you report it.' },
  OPENAI_API_ERROR: {
    message: 'OpenAI failed repeatedly; send the lot again.',
    details: { reason: 'openai_api_error', openai_request_id: 'req_0123456789' },
  },
  SERVICE_UNAVAILABLE: { message: 'The database cannot be reached; send the request again.' },
  OPENAI_TIMEOUT: { message: 'OpenAI did not answer in time; send the lot again.' },
} satisfies Partial<Record<ErrorCode, ErrorExample>>;
