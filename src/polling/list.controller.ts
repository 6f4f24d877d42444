import { Controller, Get, HttpStatus, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { signedCallerOf } from '../auth/caller.js';
import { SignedBy } from '../auth/auth.guard.js';
import { ErrorDto } from '../common/error.dto.js';
import { inputPipe } from '../common/input-pipe.js';
import { JobListDto, ListQuery } from './list.dto.js';
import { ListService } from './list.service.js';

@ApiTags('Following a job')
@Controller('api/v1/batch-jobs')
export class ListController {
  constructor(private readonly lists: ListService) {}

  @Get()
  @SignedBy({ legacy: 'list', limit: 'polling' })
  @ApiOperation({
    operationId: 'listBatchJobs',
    summary: 'Your jobs, the latest first',
    description:
      'Batches, and synchronous jobs that were answered 202; mode selects one kind. With a cursor every page is equally fast.',
  })
  @ApiResponse({ status: HttpStatus.OK, type: JobListDto, description: 'A page of jobs.' })
  @ApiResponse({ status: HttpStatus.BAD_REQUEST, type: ErrorDto, description: 'VALIDATION_FAILED' })
  list(@Req() request: Request, @Query(inputPipe) query: ListQuery): Promise<JobListDto> {
    return this.lists.list(signedCallerOf(request).keyId, query);
  }
}
