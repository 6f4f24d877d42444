import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { inputPipe } from '../common/input-pipe.js';
import { DownloadQuery, ResultsQuery } from './results.dto.js';
import { ResultsOperation } from './results.operation.js';
import { ResultsResponder } from './results.responder.js';

@ApiTags('Following a job')
@Controller('api/v1/batch-results')
export class ResultsController {
  constructor(private readonly responder: ResultsResponder) {}

  @Get(':job_id')
  @ResultsOperation({
    operationId: 'getBatchResults',
    summary: 'The results of a job',
    description:
      'Always streamed; a connection that breaks means that it failed. Accept: application/x-ndjson gives one lot a line.',
    produces: ['application/json', 'application/x-ndjson'],
    whole: 'The job has ended, or ?partial=true.',
  })
  results(
    @Req() request: Request,
    @Res() response: Response,
    @Param('job_id') jobId: string,
    @Query(inputPipe) query: ResultsQuery,
  ): Promise<void> {
    return this.responder.answer(request, response, jobId, query);
  }

  @Get(':job_id/download')
  @ResultsOperation({
    operationId: 'downloadBatchResults',
    summary: 'The results of a job as a file',
    description:
      'The same lots as in the results; csv has a row for each lot and language and starts with a byte order mark.',
    produces: ['application/json', 'application/x-ndjson', 'text/csv'],
    whole: 'batch_results_{job_id}.json',
  })
  download(
    @Req() request: Request,
    @Res() response: Response,
    @Param('job_id') jobId: string,
    @Query(inputPipe) query: DownloadQuery,
  ): Promise<void> {
    return this.responder.download(request, response, jobId, query);
  }
}
