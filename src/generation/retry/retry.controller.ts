import { Controller, Param, Post, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { SignedBy } from '../../auth/auth.guard.js';
import { ApiRetry } from './api-retry.js';
import { RetryService } from './retry.service.js';

@ApiTags('Following a job')
@Controller('api/v1/batch-jobs')
export class RetryController {
  constructor(private readonly retries: RetryService) {}

  @Post(':job_id/retry')
  @SignedBy({ legacy: 'none', limit: 'batch' })
  @ApiRetry()
  retry(@Req() request: Request, @Res() response: Response, @Param('job_id') jobId: string): Promise<void> {
    return this.retries.retry(request, response, jobId);
  }
}
