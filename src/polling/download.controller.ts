import { Controller, Get, HttpStatus, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { SignedBy } from '../auth/auth.guard.js';
import { ErrorDto } from '../common/error.dto.js';
import { queryPipe } from '../common/query-pipe.js';
import { DownloadQuery, JobResultsDto, JobRunningDto } from './results.dto.js';
import { ResultsResponder } from './results.responder.js';

@ApiTags('Following a job')
@Controller('api/v1/batch-results')
export class DownloadController {
  constructor(private readonly responder: ResultsResponder) {}

  @Get(':job_id/download')
  @SignedBy({ legacy: 'job-id', legacyUnsignedRead: true, limit: 'polling' })
  @ApiOperation({ summary: 'The results of a job as a file' })
  @ApiProduces('application/json', 'application/x-ndjson', 'text/csv')
  @ApiResponse({ status: HttpStatus.OK, type: JobResultsDto, description: 'batch_results_{job_id}.json' })
  @ApiResponse({ status: HttpStatus.ACCEPTED, type: JobRunningDto, description: 'The job is still running.' })
  @ApiResponse({ status: HttpStatus.NOT_FOUND, type: ErrorDto, description: 'JOB_NOT_FOUND, LOT_NOT_FOUND' })
  download(
    @Req() request: Request,
    @Res() response: Response,
    @Param('job_id') jobId: string,
    @Query(queryPipe) query: DownloadQuery,
  ): Promise<void> {
    return this.responder.download(request, response, jobId, query);
  }
}
