import { Controller, Get, HttpStatus, Param, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { SignedBy } from '../auth/auth.guard.js';
import { ErrorDto } from '../common/error.dto.js';
import { EventsResponder } from './events.responder.js';

@ApiTags('Following a job')
@Controller('api/v1/batch-jobs')
export class EventsController {
  constructor(private readonly responder: EventsResponder) {}

  @Get(':job_id/events')
  @SignedBy({ legacy: 'none', limit: 'polling' })
  @ApiOperation({
    operationId: 'streamJobEvents',
    summary: 'A job’s changes as server-sent events',
    description:
      'An event `progress` with the status at each change, the last one when the job has ended, then `end` with the same.',
  })
  @ApiHeader({ name: 'Last-Event-ID', required: false, description: 'The id of the last event that was received.' })
  @ApiProduces('text/event-stream')
  @ApiResponse({
    status: HttpStatus.OK,
    description: 'The stream.',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  @ApiResponse({
    status: HttpStatus.NO_CONTENT,
    description: 'Last-Event-ID is the job’s last event: nothing more will come.',
  })
  @ApiResponse({ status: HttpStatus.NOT_FOUND, type: ErrorDto, description: 'JOB_NOT_FOUND' })
  @ApiResponse({ status: HttpStatus.TOO_MANY_REQUESTS, type: ErrorDto, description: 'RATE_LIMITED: 10 streams a key.' })
  events(@Req() request: Request, @Res() response: Response, @Param('job_id') jobId: string): Promise<void> {
    return this.responder.answer(request, response, jobId);
  }
}
