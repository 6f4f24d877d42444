import { Controller, Get, HttpStatus, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { SignedBy } from '../auth/auth.guard.js';
import { ErrorDto } from '../common/error.dto.js';
import { queryPipe } from '../common/query-pipe.js';
import { JobResultsDto, JobRunningDto, ResultsQuery } from './results.dto.js';
import { ResultsResponder } from './results.responder.js';

@ApiTags('Following a job')
@Controller('api/v1/batch-results')
export class ResultsController {
  constructor(private readonly responder: ResultsResponder) {}

  @Get(':job_id')
  @SignedBy({ legacy: 'job-id', legacyUnsignedRead: true, limit: 'polling' })
  @ApiOperation({
    summary: 'The results of a job',
    description:
      'Streamed whatever its size; a connection that is cut says that it failed. Accept: application/x-ndjson gives a lot a line.',
  })
  @ApiProduces('application/json', 'application/x-ndjson')
  @ApiResponse({ status: HttpStatus.OK, type: JobResultsDto, description: 'The job has ended, or ?partial=true.' })
  @ApiResponse({ status: HttpStatus.ACCEPTED, type: JobRunningDto, description: 'The job is still running.' })
  @ApiResponse({ status: HttpStatus.NOT_FOUND, type: ErrorDto, description: 'JOB_NOT_FOUND, LOT_NOT_FOUND' })
  results(
    @Req() request: Request,
    @Res() response: Response,
    @Param('job_id') jobId: string,
    @Query(queryPipe) query: ResultsQuery,
  ): Promise<void> {
    return this.responder.answer(request, response, jobId, query);
  }
}
