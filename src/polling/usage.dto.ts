import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, Validate, type ValidatorConstraintInterface, ValidatorConstraint } from 'class-validator';
import { USAGE_GROUPS, type UsageGroup } from '../jobs/key-usage-store.js';
import type { JobMode } from '../jobs/states.js';
import { isDay } from './days.js';

@ValidatorConstraint({ name: 'day' })
class DayConstraint implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return typeof value === 'string' && isDay(value);
  }

  defaultMessage(): string {
    return 'must be a day of the calendar, written as 2026-01-31';
  }
}

export class KeyUsageQuery {
  /** The first day, in UTC. If absent: 29 days before `to`. */
  @ApiPropertyOptional({ format: 'date', example: '2026-01-01' })
  @IsOptional()
  @Validate(DayConstraint)
  from?: string;

  /** The last day, in UTC; it is included. If absent: today. At most 400 days, both included. */
  @ApiPropertyOptional({ format: 'date', example: '2026-01-31' })
  @IsOptional()
  @Validate(DayConstraint)
  to?: string;

  /** What a row of the answer is; `day` if absent. */
  @ApiPropertyOptional({ enum: USAGE_GROUPS })
  @IsOptional()
  @IsIn(USAGE_GROUPS)
  group_by?: UsageGroup;
}

/** What was used on one day, by one model, or in one mode. */
export class KeyUsageRowDto {
  /** The day, in UTC; with group_by=day. */
  @ApiPropertyOptional({ format: 'date', example: '2026-01-31' })
  day?: string;
  /** The configured name of the model; with group_by=model. */
  @ApiPropertyOptional({ example: 'gpt-5.6-terra' })
  model?: string;
  /** sync: one lot answered at once, or by a 202. batch: all else, calls outside of OpenAI’s batches included. With group_by=mode. */
  @ApiPropertyOptional({ enum: ['sync', 'batch'], example: 'batch' })
  mode?: JobMode;
  /** Lots that were completed on these days, each once, however many calls it took; by model it counts for the vision model. */
  @ApiProperty({ example: 1200 })
  lots: number;
  /** Input tokens of all calls, those whose answers were of no use included. */
  @ApiProperty({ example: 8400000 })
  input_tokens: number;
  /** How many of these OpenAI read from its cache, at a lower price. */
  @ApiProperty({ example: 2100000 })
  cached_tokens: number;
  /** Output tokens, reasoning included. */
  @ApiProperty({ example: 960000 })
  output_tokens: number;
  /** USD, by the prices that were set when each call was counted. */
  @ApiProperty({ example: 11.52 })
  cost_usd: number;
}

/** A key’s usage, summed. */
export class KeyUsageDto {
  /** The first day, in UTC. */
  @ApiProperty({ format: 'date', example: '2026-01-01' })
  from: string;
  /** The last day, in UTC; it is included. */
  @ApiProperty({ format: 'date', example: '2026-01-31' })
  to: string;
  /** What a row is. */
  @ApiProperty({ enum: USAGE_GROUPS })
  group_by: UsageGroup;
  /** In the order of days or names. Where nothing was used there is no row. */
  rows: KeyUsageRowDto[];
}
