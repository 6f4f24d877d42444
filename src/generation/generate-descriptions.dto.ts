import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { MAX_URL_CHARACTERS } from '../outbound/address-rules.js';
import { MAX_INFO, MAX_LOT_ID } from './request/lot-rules.js';
import type { INCLUDES, REQUEST_MODES, WEBHOOK_EVENTS } from './request/head-rules.js';
import { LotResultDto } from '../jobs/lot-result.dto.js';
import type { JobStatus } from '../jobs/states.js';

/** Limits that settings may change; the document names the defaults. */
const USUAL = { lots: 50_000, photos: 100, languages: 10 } as const;

// These classes only describe requests and answers for the OpenAPI document; request/ has the rules that check
// requests.

/** A photo. A plain string with the address is taken too. */
export class PhotoDto {
  /**
   * A public http(s) address, port 80 or 443.
   * @example "https://cdn.example.com/11-12345/1.jpg"
   */
  @ApiProperty({ minLength: 1, maxLength: MAX_URL_CHARACTERS })
  url: string;
}

/** A car with its photos. */
@ApiExtraModels(PhotoDto)
export class LotDto {
  /**
   * Your own id, 1 to 100 characters, unique in the request. An integer is read as its digits and returned as a string.
   * @example "11-12345"
   */
  @ApiProperty({ oneOf: [{ type: 'string', minLength: 1, maxLength: MAX_LOT_ID }, { type: 'integer' }] })
  lot_id: string | number;
  /**
   * 1 to 20 in synchronous mode (MAX_SYNC_IMAGES), up to 100 in a batch (MAX_LOT_IMAGES): objects with url, or strings.
   * In a batch a lot without photos fails alone.
   */
  @ApiProperty({
    type: 'array',
    maxItems: USUAL.photos,
    items: {
      oneOf: [{ $ref: getSchemaPath(PhotoDto) }, { type: 'string', minLength: 1, maxLength: MAX_URL_CHARACTERS }],
    },
  })
  images: (PhotoDto | string)[];
  /**
   * What you know of the car, up to 4,000 characters: data for the model, never instructions.
   * @example "2021 BMW X5, 48,000 km"
   */
  @ApiPropertyOptional({ maxLength: MAX_INFO })
  additional_info?: string | null;
  /**
   * Where this lot's result is sent, instead of webhook_url. At most 100 different addresses a job. null and "" are
   * absent.
   * @example "https://client.example.com/hook"
   */
  @ApiPropertyOptional({ maxLength: MAX_URL_CHARACTERS })
  webhook?: string | null;
}

export class GenerateDescriptionsRequestDto {
  /** Always "1.0.0". */
  version: '1.0.0';
  /**
   * 1 to 10 BCP 47 tags (MAX_LANGUAGES), each once; they are returned as sent and in this order. English is returned
   * only if it is in the list. `en` is British, en-US American. Languages do not change the cost.
   * @example ["en", "de", "ru"]
   */
  @ApiProperty({
    minItems: 1,
    maxItems: USUAL.languages,
    type: 'array',
    items: { type: 'string', pattern: '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$' },
  })
  languages: string[];
  /** 1 to 50,000 (MAX_LOTS), each with a lot_id of its own. */
  @ApiProperty({ minItems: 1, maxItems: USUAL.lots })
  lots: LotDto[];
  /** The lots signature, for clients of the older service: instead of the signing headers. */
  @ApiPropertyOptional({ pattern: '^(sha256=)?[0-9a-f]{64}$' })
  signature?: string;
  /**
   * Where results are sent when a batch ends. null and "" are absent.
   * @example "https://client.example.com/hook"
   */
  @ApiPropertyOptional({ maxLength: MAX_URL_CHARACTERS })
  webhook_url?: string | null;
  /** auto (if absent): one lot with at most 20 photos is answered at once, all else is a batch. */
  mode?: (typeof REQUEST_MODES)[number] | null;
  /**
   * assessment: the structured findings; usage: tokens and cost; notes: one checked sentence of the model's on the look of a damage,
   * in the texts and in the assessment (an installation may have it for every request).
   */
  include?: (typeof INCLUDES)[number][] | null;
  /**
   * Up to 16 strings (names of 64 characters, values of 512), echoed in status, results and webhooks.
   * @example {"auction": "A-17"}
   */
  @ApiPropertyOptional({
    type: 'object',
    maxProperties: 16,
    additionalProperties: { type: 'string', maxLength: 512 },
  })
  metadata?: Record<string, string> | null;
  /**
   * The most that the job may cost, in USD. If the estimate is higher, the request is refused with COST_LIMIT_EXCEEDED
   * and nothing is sent. The bill never goes above it: a batch sends only as many lots at a time as fit at their
   * highest possible cost, and lots for which no money is left fail with COST_LIMIT_EXCEEDED.
   */
  @ApiPropertyOptional({ minimum: 0, exclusiveMinimum: true })
  max_cost_usd?: number | null;
  /**
   * Send these events too, not only the job's end: its progress; that deliveries to a lot's own address were given up;
   * that an address whose deliveries were given up answers again.
   */
  webhook_events?: (typeof WEBHOOK_EVENTS)[number][] | null;
}

/** 200: the lot is described. */
export class SynchronousAnswerDto {
  /** Always "1.0.0". */
  version: '1.0.0';
  /** The job's id. */
  job_id: string;
  /** Always "synchronous". */
  processing_mode: 'synchronous';
  /** Always 1. */
  total_lots: number;
  /** When the lot was done. */
  processed_at: string;
  /** The one lot. */
  lots: LotResultDto[];
  /**
   * translation_time_limit_exceeded when a language carries the English text; a hint that many languages may take longer;
   * max_cost_usd_below_worst_case;
   * unknown_member:<name> for a member that the service does not know, with the nearest known one.
   */
  warnings: string[];
  /** Languages that carry the English text: they had no glossary in time, or their text did not pass the checks. */
  pending_languages: string[];
  /** Echoed from the request, where it had some. */
  metadata?: Record<string, string>;
}

/** 202: the work continues; `Location` says where to follow it. */
export class HandedOverAnswerDto {
  /** By which the job is followed. */
  job_id: string;
  /** The job's present status. */
  status: JobStatus;
  /** Always "synchronous". */
  processing_mode: 'synchronous';
  /** Always 1. */
  total_lots: number;
  /** When it was accepted. */
  created_at: string;
  /** As sent, in the order of the request. */
  languages: string[];
  /** What to do, for people. */
  message: string;
  /** unknown_member:<name> for a member that the service does not know, with the nearest known one. */
  warnings: string[];
}

/** 201: a batch has been accepted. */
export class BatchAcceptedAnswerDto {
  /** By which the job is followed. */
  job_id: string;
  /** "accepted"; a repeat answers with the job's status as it stands. */
  status: 'accepted' | Exclude<JobStatus, 'pending'>;
  /** When it was accepted. */
  created_at: string;
  /** Lots of the job. */
  total_lots: number;
  /** The same as total_lots. */
  lots_count: number;
  /** As sent, in the order of the request. */
  languages: string[];
  /** At the latest; a batch is usually done much sooner. */
  estimated_completion: string;
  /** Always "batch". */
  processing_mode: 'batch';
  /** Whether the job or some lot of it names a webhook. */
  webhook_configured: boolean;
  /** USD. */
  estimated_cost_usd: number | null;
  /**
   * webhook_failing:<host> for receivers that have been failing; unknown_member:<name> for a member that the service
   * does not know; max_cost_usd_below_worst_case when the limit does not allow all lots to be sent at once; of a retry
   * lots_in_other_retries:<n> and lots_not_chosen:<n> for chosen lots that were left out.
   */
  warnings: string[];
  /** The job whose lots this one tries once more; absent otherwise. */
  retry_of?: string;
}
