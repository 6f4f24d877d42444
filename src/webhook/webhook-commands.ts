import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { signedCallerOf } from '../auth/caller.js';
import { newId } from '../common/ids.js';
import type { DeliveryDto, ReplayDto } from './deliveries.dto.js';
import { DeliveriesService, type Repeatable } from './deliveries.service.js';
import { PingService } from './ping.service.js';
import { Repeats } from './repeats.js';

/** The HTTP requests that send webhooks. A repeat sends nothing and is marked as a repeat in its answer. */
@Injectable()
export class WebhookCommands {
  constructor(
    private readonly deliveries: DeliveriesService,
    private readonly pings: PingService,
    private readonly repeats: Repeats,
  ) {}

  async retry(request: Request, response: Response, jobId: string, id: string): Promise<DeliveryDto> {
    const { keyId } = signedCallerOf(request);
    const repeat = this.repeats.keyOf(request, newId());
    return answerOf(response, await this.deliveries.retry(keyId, jobId, id, repeat));
  }

  async replay(request: Request, response: Response, jobId: string): Promise<ReplayDto> {
    const { keyId } = signedCallerOf(request);
    const repeat = this.repeats.keyOf(request, newId());
    return answerOf(response, await this.deliveries.replay(keyId, jobId, repeat));
  }

  async ping(request: Request, response: Response, url: string): Promise<DeliveryDto> {
    const repeat = this.repeats.keyOf(request, newId());
    return answerOf(response, await this.pings.ping(signedCallerOf(request), url, repeat));
  }
}

function answerOf<T>(response: Response, { answer, replayed }: Repeatable<T>): T {
  if (replayed) response.setHeader('Idempotent-Replayed', 'true');
  return answer;
}
