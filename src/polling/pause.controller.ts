import { applyDecorators, Controller, HttpCode, HttpStatus, Param, Post, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { signedCallerOf } from '../auth/caller.js';
import { SignedBy } from '../auth/auth.guard.js';
import { ErrorDto } from '../common/error.dto.js';
import { newId } from '../common/ids.js';
import { Repeats } from '../webhook/repeats.js';
import { PausedJobDto } from './pause.dto.js';
import { PauseService, type PauseAnswer, type PauseRequest } from './pause.service.js';

const PauseOperation = (id: string, summary: string, description: string) =>
  applyDecorators(
    SignedBy({ legacy: 'job-id', limit: 'polling' }),
    ApiOperation({ operationId: id, summary, description }),
    ApiHeader({
      name: 'Idempotency-Key',
      schema: { type: 'string', pattern: '^[!-~]{1,255}$' },
      required: false,
      description:
        'A repeat with the same key within 24 hours changes nothing, whatever happened to the job meanwhile.',
    }),
    ApiResponse({ status: HttpStatus.OK, type: PausedJobDto, description: 'The job as it is now; also for a repeat.' }),
    ApiResponse({ status: HttpStatus.BAD_REQUEST, type: ErrorDto, description: 'VALIDATION_FAILED, INVALID_JSON' }),
    ApiResponse({ status: HttpStatus.NOT_FOUND, type: ErrorDto, description: 'JOB_NOT_FOUND' }),
    ApiResponse({
      status: HttpStatus.CONFLICT,
      type: ErrorDto,
      description:
        'JOB_NOT_PAUSABLE: the job has ended, is synchronous or was paused for seven days, with its state in the top-level member status; REQUEST_IN_PROGRESS',
    }),
    ApiResponse({ status: HttpStatus.UNPROCESSABLE_ENTITY, type: ErrorDto, description: 'IDEMPOTENCY_KEY_REUSED' }),
  );

@ApiTags('Following a job')
@Controller('api/v1/batch-jobs')
export class PauseController {
  constructor(
    private readonly pauses: PauseService,
    private readonly repeats: Repeats,
  ) {}

  @Post(':job_id/pause')
  @HttpCode(HttpStatus.OK)
  @PauseOperation(
    'pauseBatchJob',
    'Pause a batch',
    'No photo checks, uploads or calls begin; what OpenAI has is still taken in. The time counts towards no deadline; after seven days in all the job resumes by itself.',
  )
  async pause(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
    @Param('job_id') jobId: string,
  ): Promise<PausedJobDto> {
    return answered(response, await this.pauses.pause(this.read(request, jobId)));
  }

  @Post(':job_id/resume')
  @HttpCode(HttpStatus.OK)
  @PauseOperation(
    'resumeBatchJob',
    'Let a paused batch go on',
    'A job that an operator has paused too stays paused until the operator resumes it.',
  )
  async resume(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
    @Param('job_id') jobId: string,
  ): Promise<PausedJobDto> {
    return answered(response, await this.pauses.resume(this.read(request, jobId)));
  }

  private read(request: Request, jobId: string): PauseRequest {
    const repeat = request.headers['idempotency-key'] === undefined ? null : this.repeats.keyOf(request, newId());
    return { jobId, keyId: signedCallerOf(request).keyId, repeat };
  }
}

function answered(response: Response, { answer, replayed }: PauseAnswer): PausedJobDto {
  if (replayed) response.setHeader('Idempotent-Replayed', 'true');
  return answer;
}
