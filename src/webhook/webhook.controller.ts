import {
  applyDecorators,
  Body,
  Controller,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { SignedBy } from '../auth/auth.guard.js';
import { signedCallerOf } from '../auth/caller.js';
import { DeliveriesQuery, DeliveryDto, DeliveryListDto, PingDto, ReplayDto } from './deliveries.dto.js';
import { DeliveriesService } from './deliveries.service.js';
import { ErrorDto } from '../common/error.dto.js';
import { inputPipe } from '../common/input-pipe.js';
import { WebhookCommands } from './webhook-commands.js';

/** Documents routes that send webhooks: how to repeat a request, and the errors that a repeat may get. */
function ApiSends(unprocessable = 'IDEMPOTENCY_KEY_REUSED'): MethodDecorator {
  const refusals = { 400: 'VALIDATION_FAILED', 409: 'REQUEST_IN_PROGRESS', 422: unprocessable };
  return applyDecorators(
    ApiHeader({
      name: 'Idempotency-Key',
      schema: { type: 'string', pattern: '^[!-~]{1,255}$' },
      required: false,
      description: 'A repeat with the same key within 24 hours sends nothing and gets the same answer.',
    }),
    ...Object.entries(refusals).map(([status, description]) =>
      ApiResponse({ status: Number(status), type: ErrorDto, description }),
    ),
  );
}

@ApiTags('Webhooks')
@Controller('api/v1')
export class WebhookController {
  constructor(
    private readonly deliveries: DeliveriesService,
    private readonly commands: WebhookCommands,
  ) {}

  @Get('batch-jobs/:job_id/deliveries')
  @SignedBy({ legacy: 'none', limit: 'polling' })
  @ApiOperation({
    operationId: 'listJobDeliveries',
    summary: 'A job’s webhook deliveries with all their attempts',
    description: 'One delivery for each part of each event and address, in every state.',
  })
  @ApiResponse({ status: HttpStatus.OK, type: DeliveryListDto, description: 'A page of deliveries.' })
  @ApiResponse({ status: HttpStatus.BAD_REQUEST, type: ErrorDto, description: 'VALIDATION_FAILED' })
  @ApiResponse({ status: HttpStatus.NOT_FOUND, type: ErrorDto, description: 'JOB_NOT_FOUND' })
  ofJob(
    @Req() request: Request,
    @Param('job_id') jobId: string,
    @Query(inputPipe) query: DeliveriesQuery,
  ): Promise<DeliveryListDto> {
    return this.deliveries.ofJob(signedCallerOf(request).keyId, jobId, query);
  }

  @Get('webhook-deliveries')
  @SignedBy({ legacy: 'none', limit: 'polling' })
  @ApiOperation({
    operationId: 'listDeliveries',
    summary: 'Webhook deliveries across jobs, the latest first',
    description: 'Deliveries of all jobs of this key id. status=failed finds those that did not arrive.',
  })
  @ApiResponse({ status: HttpStatus.OK, type: DeliveryListDto, description: 'A page of deliveries.' })
  @ApiResponse({ status: HttpStatus.BAD_REQUEST, type: ErrorDto, description: 'VALIDATION_FAILED' })
  ofKey(@Req() request: Request, @Query(inputPipe) query: DeliveriesQuery): Promise<DeliveryListDto> {
    return this.deliveries.ofKey(signedCallerOf(request).keyId, query);
  }

  @Post('batch-jobs/:job_id/deliveries/:id/retry')
  @HttpCode(HttpStatus.ACCEPTED)
  @SignedBy({ legacy: 'none', limit: 'polling' })
  @ApiOperation({
    operationId: 'retryDelivery',
    summary: 'Send a delivery again: the same webhook-id and bytes, a new schedule',
    description: 'This works at any time, also after the delivery was accepted or given up.',
  })
  @ApiSends()
  @ApiResponse({ status: HttpStatus.ACCEPTED, type: DeliveryDto, description: 'The delivery, with its new schedule.' })
  @ApiResponse({ status: HttpStatus.NOT_FOUND, type: ErrorDto, description: 'JOB_NOT_FOUND, DELIVERY_NOT_FOUND' })
  retry(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
    @Param('job_id') jobId: string,
    @Param('id') id: string,
  ): Promise<DeliveryDto> {
    return this.commands.retry(request, response, jobId, id);
  }

  @Post('batch-jobs/:job_id/webhooks/replay')
  @HttpCode(HttpStatus.ACCEPTED)
  @SignedBy({ legacy: 'none', limit: 'sync' })
  @ApiOperation({
    operationId: 'replayWebhooks',
    summary: 'Send all webhooks of a job’s end again',
    description: 'Every address gets its parts again, each with the same webhook-id and bytes as before.',
  })
  @ApiSends()
  @ApiResponse({ status: HttpStatus.ACCEPTED, type: ReplayDto, description: 'How many deliveries are sent again.' })
  @ApiResponse({ status: HttpStatus.NOT_FOUND, type: ErrorDto, description: 'JOB_NOT_FOUND' })
  replay(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
    @Param('job_id') jobId: string,
  ): Promise<ReplayDto> {
    return this.commands.replay(request, response, jobId);
  }

  @Post('webhooks/ping')
  @HttpCode(HttpStatus.OK)
  @SignedBy({ legacy: 'none', limit: 'sync' })
  @ApiOperation({
    operationId: 'pingWebhook',
    summary: 'Send a signed test event to an address and see the outcome',
    description: 'It is sent once, at once. The answer has the outcome.',
  })
  @ApiSends('INVALID_WEBHOOK_URL, IDEMPOTENCY_KEY_REUSED')
  @ApiResponse({
    status: HttpStatus.OK,
    type: DeliveryDto,
    description: 'The delivery with the outcome of its only attempt.',
  })
  ping(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
    @Body(inputPipe) { url }: PingDto,
  ): Promise<DeliveryDto> {
    return this.commands.ping(request, response, url);
  }
}
