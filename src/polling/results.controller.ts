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
      'Always streamed; a connection that breaks means that it failed. Go on with ?after= and the lot_id of the last whole lot. ' +
      'Accept: application/x-ndjson gives one lot a line. status, code and needs_review choose lots; limit makes pages.',
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
      'The same lots as in the results, chosen, resumed and paged by the same parameters. csv has a row for each lot and language, ' +
      'starts with a byte order mark and has the columns job_id, lot_id, status, language, damages (HTML), missing_images, error, ' +
      'text (the same as plain text), needs_review (false, or true with the reasons) and photo_problems.',
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
