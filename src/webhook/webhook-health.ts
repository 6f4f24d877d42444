import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, IsNull, MoreThanOrEqual, Not, type Repository } from 'typeorm';
import { WebhookEndpoint } from './webhook.entities.js';

/** Failures in a row from which an address is worth a warning; its circuit opens later. */
const FAILING = 3;

/** What is known of receivers before anything is sent to them. */
@Injectable()
export class WebhookHealth {
  constructor(@InjectRepository(WebhookEndpoint) private readonly endpoints: Repository<WebhookEndpoint>) {}

  /**
   * Which of the addresses a job names have been failing for this key id: worth knowing before the work is paid for.
   * @returns hosts, each once, in the order of `urls`
   */
  async failing(keyId: string, urls: readonly string[]): Promise<string[]> {
    const hosts = new Map<string, string>();
    for (const { origin, host } of urls.map((url) => new URL(url))) hosts.set(origin, host);
    if (hosts.size === 0) return [];
    const receivers = { keyId, origin: In([...hosts.keys()]) };
    const failing = await this.endpoints.find({
      select: { origin: true },
      where: [
        { ...receivers, openedAt: Not(IsNull()) },
        { ...receivers, consecutiveFailures: MoreThanOrEqual(FAILING) },
      ],
    });
    const origins = new Set(failing.map(({ origin }) => origin));
    return [...new Set([...hosts].filter(([origin]) => origins.has(origin)).map(([, host]) => host))];
  }
}
