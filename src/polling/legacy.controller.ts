import { Controller, Get, HttpStatus, Param, Req, Res, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { SignedBy } from '../auth/auth.guard.js';
import { ErrorDto } from '../common/error.dto.js';
import { LegacyReadsGuard } from './legacy-reads.guard.js';
import { StatusResponder } from './status.responder.js';
import { JobStatusDto } from './status.dto.js';

/** The older service's two addresses of a job's status, for migration: they exist with LEGACY_UNSIGNED_READS alone. */
@ApiTags('Migration')
@Controller('api/v1/jobs')
@UseGuards(LegacyReadsGuard)
export class LegacyController {
  constructor(private readonly responder: StatusResponder) {}

  @Get([':job_id', ':job_id/status'])
  @SignedBy({ legacy: 'job-id', legacyUnsignedRead: true, limit: 'polling' })
  @ApiOperation({ summary: 'Where a job stands', description: 'Use /api/v1/batch-status/{job_id}.', deprecated: true })
  @ApiResponse({ status: HttpStatus.OK, type: JobStatusDto })
  @ApiResponse({
    status: HttpStatus.NOT_FOUND,
    type: ErrorDto,
    description: 'JOB_NOT_FOUND, or NOT_FOUND where the setting is off',
  })
  status(@Req() request: Request, @Res() response: Response, @Param('job_id') jobId: string): Promise<void> {
    return this.responder.answer(request, response, jobId);
  }
}
