import type { INCLUDES, REQUEST_MODES, WEBHOOK_EVENTS } from './request/head-rules.js';
import { LotResultDto } from '../jobs/lot-result.dto.js';
import type { JobStatus } from '../jobs/states.js';

// These classes describe the wire for the OpenAPI document alone; request/ holds the rules that judge what comes in.

/** A photo. A plain string with the address is taken too. */
export class PhotoDto {
  /**
   * A public http(s) address, port 80 or 443.
   * @example "https://cdn.example.com/11-12345/1.jpg"
   */
  url: string;
}

/** A car with its photos. */
export class LotDto {
  /**
   * Your own id, 1 to 100 characters, unique in the request. An integer is taken as its digits.
   * @example "11-12345"
   */
  lot_id: string;
  /** 1 to 20 in synchronous mode, up to 100 in a batch. */
  images: PhotoDto[];
  /**
   * What you know of the car, up to 4,000 characters: data for the model, never instructions.
   * @example "2021 BMW X5, 48,000 km"
   */
  additional_info?: string | null;
  /**
   * Where this lot's result is sent, instead of webhook_url. At most 100 different addresses a job.
   * @example "https://client.example.com/hook"
   */
  webhook?: string | null;
}

export class GenerateDescriptionsRequestDto {
  /** Always "1.0.0". */
  version: '1.0.0';
  /**
   * 1 to 10 BCP 47 tags, each once; they come back as sent and in this order. English comes only when asked for.
   * @example ["en", "de", "ru"]
   */
  languages: string[];
  /** 1 to 50,000. */
  lots: LotDto[];
  /** The lots signature, for clients of the older service: instead of the signing headers. */
  signature?: string;
  /**
   * Where results are sent when a batch ends.
   * @example "https://client.example.com/hook"
   */
  webhook_url?: string | null;
  /** auto (if absent): one lot with at most 20 photos is answered at once, all else is a batch. */
  mode?: (typeof REQUEST_MODES)[number];
  /** assessment: the structured findings; usage: tokens and cost. */
  include?: (typeof INCLUDES)[number][];
  /**
   * Up to 16 strings (names of 64 characters, values of 512), echoed in status, results and webhooks.
   * @example {"auction": "A-17"}
   */
  metadata?: Record<string, string>;
  /**
   * USD; an estimate above it is refused with COST_LIMIT_EXCEEDED and nothing is sent. The bill never passes it: of a batch as
   * many lots are sent at a time as fit at the most that they may cost, and lots for which nothing is left fail with
   * COST_LIMIT_EXCEEDED.
   */
  max_cost_usd?: number;
  /** Progress too, not the end alone. */
  webhook_events?: (typeof WEBHOOK_EVENTS)[number][];
}

/** 200: the lot is described. */
export class SynchronousAnswerDto {
  /** Always "1.0.0". */
  version: string;
  job_id: string;
  /** Always "synchronous". */
  processing_mode: 'synchronous';
  /** Always 1. */
  total_lots: number;
  processed_at: string;
  lots: LotResultDto[];
  /** translation_time_limit_exceeded, that many languages take longer, or max_cost_usd_below_worst_case. */
  warnings: string[];
  /** Languages that carry the English text, because no translation came in time. */
  pending_languages: string[];
  /** Echoed from the request, where it had some. */
  metadata?: Record<string, string>;
}

/** 202: the work goes on; `Location` says where to follow it. */
export class HandedOverAnswerDto {
  job_id: string;
  status: JobStatus;
  /** Always "synchronous". */
  processing_mode: 'synchronous';
  /** Always 1. */
  total_lots: number;
  created_at: string;
  languages: string[];
  message: string;
}

/** 201: a batch has been accepted. */
export class BatchAcceptedAnswerDto {
  job_id: string;
  /** "accepted"; a repeat answers with the job's status as it stands. */
  status: string;
  created_at: string;
  total_lots: number;
  /** The same as total_lots. */
  lots_count: number;
  languages: string[];
  /** At the latest; a batch is usually done much sooner. */
  estimated_completion: string;
  /** Always "batch". */
  processing_mode: 'batch';
  webhook_configured: boolean;
  /** USD. */
  estimated_cost_usd: number | null;
  /**
   * webhook_failing:<host> for receivers that have been failing; max_cost_usd_below_worst_case where the limit lets not all
   * lots be sent at once.
   */
  warnings: string[];
}
