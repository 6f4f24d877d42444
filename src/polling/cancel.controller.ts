import { Controller, HttpCode, HttpStatus, Param, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { signedCallerOf } from '../auth/caller.js';
import { SignedBy } from '../auth/auth.guard.js';
import { CancelledJobDto } from './cancel.dto.js';
import { CancelService } from './cancel.service.js';
import { ErrorDto } from '../common/error.dto.js';

@ApiTags('Following a job')
@Controller('api/v1/batch-jobs')
export class CancelController {
  constructor(private readonly cancels: CancelService) {}

  @Post(':job_id/cancel')
  @HttpCode(HttpStatus.OK)
  @SignedBy({ legacy: 'job-id', limit: 'polling' })
  @ApiOperation({
    summary: 'Cancel an unfinished job',
    description: 'Results are frozen at once and webhooks leave; output that still comes counts for usage only.',
  })
  @ApiResponse({ status: HttpStatus.OK, type: CancelledJobDto })
  @ApiResponse({ status: HttpStatus.NOT_FOUND, type: ErrorDto, description: 'JOB_NOT_FOUND' })
  @ApiResponse({
    status: HttpStatus.CONFLICT,
    type: ErrorDto,
    description: 'JOB_NOT_CANCELLABLE, with the job’s state in the top-level member status',
  })
  cancel(@Req() request: Request, @Param('job_id') jobId: string): Promise<CancelledJobDto> {
    return this.cancels.cancel(jobId, signedCallerOf(request).keyId);
  }
}
