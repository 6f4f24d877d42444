import { Controller, Get, HttpStatus, Param, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { SignedBy } from '../auth/auth.guard.js';
import { ErrorDto } from '../common/error.dto.js';
import { StatusResponder } from './status.responder.js';
import { JobStatusDto } from './status.dto.js';

const ETAG = { ETag: { description: 'For If-None-Match.', schema: { type: 'string' as const } } };

@ApiTags('Following a job')
@Controller('api/v1/batch-status')
export class StatusController {
  constructor(private readonly responder: StatusResponder) {}

  @Get(':job_id')
  @SignedBy({ legacy: 'job-id', legacyUnsignedRead: true, limit: 'polling' })
  @ApiOperation({
    operationId: 'getBatchStatus',
    summary: 'Where a job stands',
    description: 'Ask again with If-None-Match: a 304 is free of the rate limit.',
  })
  @ApiHeader({ name: 'If-None-Match', required: false, description: 'The ETag of an earlier answer.' })
  @ApiHeader({
    name: 'Prefer',
    required: false,
    description: 'wait=25: answer at the next change, after 25 s at the latest.',
  })
  @ApiResponse({ status: HttpStatus.OK, type: JobStatusDto, description: 'The status as it stands.', headers: ETAG })
  @ApiResponse({ status: HttpStatus.NOT_MODIFIED, description: 'Nothing has changed since the ETag.' })
  @ApiResponse({ status: HttpStatus.NOT_FOUND, type: ErrorDto, description: 'JOB_NOT_FOUND' })
  status(@Req() request: Request, @Res() response: Response, @Param('job_id') jobId: string): Promise<void> {
    return this.responder.answer(request, response, jobId);
  }
}
