import { Controller, HttpCode, HttpStatus, Param, Post, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { signedCallerOf } from '../auth/caller.js';
import { SignedBy } from '../auth/auth.guard.js';
import { CancelledJobDto } from './cancel.dto.js';
import { CancelService } from './cancel.service.js';
import { ErrorDto } from '../common/error.dto.js';
import { newId } from '../common/ids.js';
import { Repeats } from '../webhook/repeats.js';

@ApiTags('Following a job')
@Controller('api/v1/batch-jobs')
export class CancelController {
  constructor(
    private readonly cancels: CancelService,
    private readonly repeats: Repeats,
  ) {}

  @Post(':job_id/cancel')
  @HttpCode(HttpStatus.OK)
  @SignedBy({ legacy: 'job-id', limit: 'polling' })
  @ApiOperation({
    operationId: 'cancelBatchJob',
    summary: 'Cancel an unfinished job',
    description: 'Results are final at once and webhooks are sent; output that still arrives counts only for usage.',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    schema: { type: 'string', pattern: '^[!-~]{1,255}$' },
    required: false,
    description: 'A repeat with the same key within 24 hours gets the same answer instead of a 409.',
  })
  @ApiResponse({ status: HttpStatus.OK, type: CancelledJobDto, description: 'The job is cancelled.' })
  @ApiResponse({ status: HttpStatus.BAD_REQUEST, type: ErrorDto, description: 'VALIDATION_FAILED, INVALID_JSON' })
  @ApiResponse({ status: HttpStatus.NOT_FOUND, type: ErrorDto, description: 'JOB_NOT_FOUND' })
  @ApiResponse({
    status: HttpStatus.CONFLICT,
    type: ErrorDto,
    description: 'JOB_NOT_CANCELLABLE, with the job’s state in the top-level member status; REQUEST_IN_PROGRESS',
  })
  @ApiResponse({ status: HttpStatus.UNPROCESSABLE_ENTITY, type: ErrorDto, description: 'IDEMPOTENCY_KEY_REUSED' })
  async cancel(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
    @Param('job_id') jobId: string,
  ): Promise<CancelledJobDto> {
    const { keyId } = signedCallerOf(request);
    const repeat = request.headers['idempotency-key'] === undefined ? null : this.repeats.keyOf(request, newId());
    const { answer, replayed } = await this.cancels.cancel(jobId, keyId, repeat);
    if (replayed) response.setHeader('Idempotent-Replayed', 'true');
    return answer;
  }
}
