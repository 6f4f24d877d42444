import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Min, Validate } from 'class-validator';
import { CURSOR_PATTERN, CursorConstraint } from '../common/cursor.js';
import { MAX_URL_CHARACTERS } from '../outbound/address-rules.js';
import { toList } from '../common/input-pipe.js';
import { DELIVERY_STATUSES, type AttemptOutcome, type DeliveryStatus, type WebhookEvent } from './delivery-states.js';

export class DeliveriesQuery {
  /** Only deliveries in this state. For several states: `status[]=…&status[]=…`. */
  @ApiPropertyOptional({ enum: DELIVERY_STATUSES, isArray: false })
  @IsOptional()
  @Transform(toList)
  @IsIn(DELIVERY_STATUSES, { each: true })
  status?: DeliveryStatus[];

  /** Deliveries per page: 50 if absent, at most 100. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  limit?: number;

  /** The next_cursor of the page before, in base64url. */
  @ApiPropertyOptional({ format: 'uuid', pattern: CURSOR_PATTERN })
  @IsOptional()
  @IsString()
  @Validate(CursorConstraint)
  cursor?: string;
}

export class PingDto {
  /** Where to send a test event: http(s), port 80 or 443, at a public address. */
  @ApiProperty({ minLength: 1, maxLength: MAX_URL_CHARACTERS })
  @IsString({ message: 'a string' })
  url: string;
}

/** One request of a delivery, which was sent or may have been sent. */
export class AttemptDto {
  /** Counted from 1; the value of X-Delivery-Attempt. */
  attempt: number;
  /** When the request was made. */
  started_at: string;
  /** When it ended. Null while it runs, and also later if its process died. */
  finished_at: string | null;
  /** unknown: the request may or may not have been received. */
  outcome: AttemptOutcome;
  /** The IP address that the request was sent to. */
  address: string | null;
  /** The HTTP status of the answer; null when none came. */
  response_status: number | null;
  /** The first 1,000 characters of the answer. */
  response_start: string | null;
  /** Milliseconds until the answer or the failure; null while it runs. */
  duration_ms: number | null;
  /** Why there was no answer. */
  error: string | null;
}

export class DeliveryPartDto {
  /** Counted from 1. */
  number: number;
  /** How many parts this event has for this address. */
  of: number;
}

/** One part of one event for one address. */
export class DeliveryDto {
  /** The value of webhook-id, the same on every attempt. */
  id: string;
  /** Null for a ping. */
  job_id: string | null;
  /** What the webhook reports. */
  event: WebhookEvent;
  /** The address that it is sent to. */
  url: string;
  /** pending, in_flight, delivered, failed or superseded. */
  status: DeliveryStatus;
  /** Which part of the event it is. */
  part: DeliveryPartDto;
  /** How many lots this part has. */
  lots: number;
  /** When the delivery was queued. */
  created_at: string;
  /** When it was accepted with a 2xx; null if it was not. */
  delivered_at: string | null;
  /** When the next attempt is due; null when none is planned. */
  next_attempt_at: string | null;
  /** The HTTP status of the latest attempt's answer; null when none came. */
  response_status: number | null;
  /** Why the latest attempt failed; null when it did not. */
  error: string | null;
  /** All requests that were sent or may have been sent, in order. */
  attempts: AttemptDto[];
}

export class DeliveryPageDto {
  /** The most deliveries that a page can have. */
  limit: number;
  /** Whether there is a further page. */
  has_more: boolean;
  /** The value of `cursor` for the next page; null on the last page. */
  next_cursor: string | null;
}

export class DeliveryListDto {
  /** The deliveries of this page. */
  deliveries: DeliveryDto[];
  /** Where this page is in the whole list. */
  pagination: DeliveryPageDto;
}

export class ReplayDto {
  /** The job whose webhooks are sent again. */
  job_id: string;
  /** How many deliveries of the job are sent again. */
  deliveries: number;
}
