import type { IncomingHttpHeaders } from 'node:http';

export interface ReceivedEvent {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The parsed body, where it is JSON. */
  readonly event: Record<string, unknown> | undefined;
  /** What does not hold of its signatures; it is answered 401 then. */
  readonly problems: string[];
  /** Its webhook-id has come before. */
  readonly repeat: boolean;
}

export interface ReceiverOptions {
  readonly port?: number;
  readonly host?: string;
  readonly webhookSecret?: string;
  readonly sharedKey?: string;
  readonly onEvent?: (event: ReceivedEvent) => void;
}

export function startReceiver(options: ReceiverOptions): Promise<{ readonly origin: string; close(): void }>;
