import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.service.js';

/** Failures in a row from which an address is worth a warning; its circuit opens later. */
const FAILING = 3;

/** What is known of receivers before anything is sent to them. */
@Injectable()
export class WebhookHealth {
  constructor(private readonly database: Database) {}

  /**
   * Which of the addresses a job names have been failing for this key id: worth knowing before the work is paid for.
   * @returns hosts, each once, in the order of `urls`
   */
  async failing(keyId: string, urls: readonly string[]): Promise<string[]> {
    const hosts = new Map<string, string>();
    for (const { origin, host } of urls.map((url) => new URL(url))) hosts.set(origin, host);
    if (hosts.size === 0) return [];
    const failing = await this.database.query<{ origin: string }>(
      `select origin from webhook_endpoints
       where key_id = $1 and origin = any($2) and (opened_at is not null or consecutive_failures >= ${FAILING})`,
      [keyId, [...hosts.keys()]],
    );
    const origins = new Set(failing.map(({ origin }) => origin));
    return [...new Set([...hosts].filter(([origin]) => origins.has(origin)).map(([, host]) => host))];
  }
}
