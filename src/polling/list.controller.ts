import { Controller, Get, HttpStatus, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { signedCallerOf } from '../auth/caller.js';
import { SignedBy } from '../auth/auth.guard.js';
import { ErrorDto } from '../common/error.dto.js';
import { queryPipe } from '../common/query-pipe.js';
import { JobListDto, ListQuery } from './list.dto.js';
import { ListService } from './list.service.js';

@ApiTags('Following a job')
@Controller('api/v1/batch-jobs')
export class ListController {
  constructor(private readonly lists: ListService) {}

  @Get()
  @SignedBy({ legacy: 'list', limit: 'polling' })
  @ApiOperation({ summary: 'Your jobs, the latest first' })
  @ApiResponse({ status: HttpStatus.OK, type: JobListDto })
  @ApiResponse({ status: HttpStatus.BAD_REQUEST, type: ErrorDto, description: 'VALIDATION_FAILED' })
  list(@Req() request: Request, @Query(queryPipe) query: ListQuery): Promise<JobListDto> {
    return this.lists.list(signedCallerOf(request).keyId, query);
  }
}
