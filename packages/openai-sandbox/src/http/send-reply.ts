import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import type { FaultRule } from '../faults/fault-rules.js';
import { ruleFor } from '../faults/fault-book.js';
import type { Reply } from './router.js';

/**
 * Sends an answer; cut off or stalled if a fault says so.
 * @returns false when a fault kept (part of) the answer back
 */
export async function sendReply(
  response: ServerResponse,
  reply: Reply,
  headers: Readonly<Record<string, string>>,
  faults: readonly FaultRule[],
): Promise<boolean> {
  const { stream, bytes, type } = bodyOf(reply);
  response.writeHead(reply.status, { ...headers, ...reply.headers, 'content-type': type, 'content-length': bytes });
  const cut = ruleFor(faults, 'cut_body') ?? ruleFor(faults, 'stall_body');
  if (cut === undefined) {
    await pipeline(stream, response);
    return true;
  }
  await sendPart(response, stream, Math.floor(bytes * (cut.share ?? 0.5)));
  // The headers must be sent first; otherwise this would be a request without an answer instead of a broken body.
  response.flushHeaders();
  if (cut.action === 'cut_body') response.destroy();
  return false;
}

function bodyOf(reply: Reply): { stream: Readable; bytes: number; type: string } {
  if (typeof reply.body === 'object' && 'stream' in reply.body && reply.body['stream'] instanceof Readable) {
    const { stream, bytes } = reply.body as { stream: Readable; bytes: number };
    return { stream, bytes, type: 'application/octet-stream' };
  }
  const isText = typeof reply.body === 'string';
  const bytes = Buffer.from(isText ? (reply.body as string) : JSON.stringify(reply.body));
  const type = isText ? 'text/html; charset=utf-8' : 'application/json';
  return { stream: Readable.from([bytes], { objectMode: false }), bytes: bytes.length, type };
}

async function sendPart(response: ServerResponse, stream: Readable, most: number): Promise<void> {
  let left = most;
  for await (const chunk of stream) {
    const part = (chunk as Buffer).subarray(0, left);
    left -= part.length;
    if (part.length > 0 && !response.write(part) && !response.destroyed) {
      await new Promise<void>((resolve) => {
        response.once('drain', resolve);
        response.once('close', resolve);
      });
    }
    if (left <= 0 || response.destroyed) break;
  }
  // Written bytes are not sent yet: the socket must have taken them before it is destroyed.
  await new Promise<void>((resolve) => {
    if (response.destroyed) resolve();
    else response.write('', () => resolve());
    response.once('close', resolve);
  });
}
