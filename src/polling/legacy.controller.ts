import { applyDecorators, Controller, Get, HttpStatus, Param, Req, Res, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { SignedBy } from '../auth/auth.guard.js';
import { ErrorDto } from '../common/error.dto.js';
import { LegacyReadsGuard } from './legacy-reads.guard.js';
import { LegacyResponder } from './legacy.responder.js';
import { LegacyJobDto } from './legacy.dto.js';
import { StatusResponder } from './status.responder.js';
import { JobStatusDto } from './status.dto.js';

/** The older service's two addresses of a job, for migration: they exist only with LEGACY_UNSIGNED_READS. */
@ApiTags('Migration')
@Controller('api/v1/jobs')
@UseGuards(LegacyReadsGuard)
export class LegacyController {
  constructor(
    private readonly jobs: LegacyResponder,
    private readonly statuses: StatusResponder,
  ) {}

  @Get(':job_id')
  @LegacyRead({
    summary: 'A job, with its lots once it has ended',
    description: 'Use /api/v1/batch-status/{job_id} and /api/v1/batch-results/{job_id}.',
    operationId: 'getLegacyJob',
  })
  @ApiResponse({ status: HttpStatus.OK, type: LegacyJobDto, description: 'The status; an ended job has its lots too.' })
  job(@Req() request: Request, @Res() response: Response, @Param('job_id') jobId: string): Promise<void> {
    return this.jobs.answer(request, response, jobId);
  }

  @Get(':job_id/status')
  @LegacyRead({
    summary: 'Where a job stands',
    description: 'Use /api/v1/batch-status/{job_id}.',
    operationId: 'getLegacyJobStatus',
  })
  @ApiResponse({ status: HttpStatus.OK, type: JobStatusDto, description: 'The status.' })
  status(@Req() request: Request, @Res() response: Response, @Param('job_id') jobId: string): Promise<void> {
    return this.statuses.answer(request, response, jobId);
  }
}

function LegacyRead(operation: { summary: string; description: string; operationId: string }): MethodDecorator {
  return applyDecorators(
    SignedBy({ legacy: 'job-id', legacyUnsignedRead: true, limit: 'polling' }),
    ApiOperation({ ...operation, deprecated: true }),
    ApiResponse({
      status: HttpStatus.NOT_FOUND,
      type: ErrorDto,
      description: 'JOB_NOT_FOUND, or NOT_FOUND where the setting is off',
    }),
  );
}
