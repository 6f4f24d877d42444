import { Controller, Get, HttpStatus, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { signedCallerOf } from '../auth/caller.js';
import { SignedBy } from '../auth/auth.guard.js';
import { ErrorDto } from '../common/error.dto.js';
import { inputPipe } from '../common/input-pipe.js';
import { KeyUsageDto, KeyUsageQuery } from './usage.dto.js';
import { UsageService } from './usage.service.js';

@ApiTags('Usage')
@Controller('api/v1/usage')
export class UsageController {
  constructor(private readonly usage: UsageService) {}

  @Get()
  @SignedBy({ legacy: 'none', limit: 'polling' })
  @ApiOperation({
    operationId: 'readUsage',
    summary: 'What your key has used: lots, tokens and cost by day, model or mode',
    description:
      'Every call counts on the day on which its answer was counted, in UTC, cancelled jobs and late answers included. It stays when the jobs themselves are removed.',
  })
  @ApiResponse({
    status: HttpStatus.OK,
    type: KeyUsageDto,
    description: 'The sums, with a row for each day, model or mode.',
  })
  @ApiResponse({ status: HttpStatus.BAD_REQUEST, type: ErrorDto, description: 'VALIDATION_FAILED' })
  read(@Req() request: Request, @Query(inputPipe) query: KeyUsageQuery): Promise<KeyUsageDto> {
    return this.usage.read(signedCallerOf(request).keyId, query);
  }
}
