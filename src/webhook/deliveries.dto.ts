import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Min, Validate } from 'class-validator';
import { CURSOR_PATTERN, CursorConstraint } from '../common/cursor.js';
import { MAX_URL_CHARACTERS } from '../outbound/address-rules.js';
import { toList } from '../common/input-pipe.js';
import { DELIVERY_STATUSES, type AttemptOutcome, type DeliveryStatus, type WebhookEvent } from './delivery-states.js';

export class DeliveriesQuery {
  /** Deliveries in this state; `status[]=…&status[]=…`: in one of several. */
  @ApiPropertyOptional({ enum: DELIVERY_STATUSES, isArray: false })
  @IsOptional()
  @Transform(toList)
  @IsIn(DELIVERY_STATUSES, { each: true })
  status?: DeliveryStatus[];

  /** 50 if absent; above 100 it is 100. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  limit?: number;

  /** The next_cursor of the page before: base64url. */
  @ApiPropertyOptional({ format: 'uuid', pattern: CURSOR_PATTERN })
  @IsOptional()
  @IsString()
  @Validate(CursorConstraint)
  cursor?: string;
}

export class PingDto {
  /** Where to send a test event: http(s), port 80 or 443, a public address. */
  @ApiProperty({ minLength: 1, maxLength: MAX_URL_CHARACTERS })
  @IsString({ message: 'a string' })
  url: string;
}

/** One request that left, or may have left, for a delivery. */
export class AttemptDto {
  /** From 1; the value of X-Delivery-Attempt. */
  attempt: number;
  /** When the request was made. */
  started_at: string;
  /** Null while it runs, and for ever when the process that made it died. */
  finished_at: string | null;
  /** unknown: it may have been received or not. */
  outcome: AttemptOutcome;
  /** The IP address that was asked. */
  address: string | null;
  /** The status of the answer; null without one. */
  response_status: number | null;
  /** The first 1,000 characters of the answer. */
  response_start: string | null;
  /** Milliseconds until the answer, or the failure; null while it runs. */
  duration_ms: number | null;
  /** Why there was no answer. */
  error: string | null;
}

export class DeliveryPartDto {
  /** From 1. */
  number: number;
  /** Parts that this event has for this address. */
  of: number;
}

/** One part of one event on its way to one address. */
export class DeliveryDto {
  /** The value of webhook-id, the same on every attempt. */
  id: string;
  /** Null for a ping. */
  job_id: string | null;
  /** What is told. */
  event: WebhookEvent;
  /** Where it goes. */
  url: string;
  /** pending, in_flight, delivered, failed or superseded. */
  status: DeliveryStatus;
  /** Which part of the event it is. */
  part: DeliveryPartDto;
  /** Lots in this part. */
  lots: number;
  /** When it was written. */
  created_at: string;
  /** The latest 2xx. */
  delivered_at: string | null;
  /** Null when no attempt is planned. */
  next_attempt_at: string | null;
  /** Of the latest attempt. */
  response_status: number | null;
  /** Of the latest attempt. */
  error: string | null;
  /** Every request that left or may have left, in order. */
  attempts: AttemptDto[];
}

export class DeliveryPageDto {
  /** The most deliveries that a page has. */
  limit: number;
  /** Whether there is a further page. */
  has_more: boolean;
  /** For `cursor`; null on the last page. */
  next_cursor: string | null;
}

export class DeliveryListDto {
  /** The deliveries of this page. */
  deliveries: DeliveryDto[];
  /** Where this page stands among all. */
  pagination: DeliveryPageDto;
}

export class ReplayDto {
  /** The job whose webhooks are sent again. */
  job_id: string;
  /** The job's deliveries, all of which are sent again. */
  deliveries: number;
}
