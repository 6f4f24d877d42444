import { WebhookVerificationError } from './errors.js';
import { hmacSha256 } from './sha256.js';
import type { WebhookEvent } from './webhook-events.js';

export interface WebhookInput {
  /** Of the request, as any framework has them: an object (Node), or Headers (fetch). */
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The exact bytes that came: not an object that was parsed and written again. */
  readonly body: Uint8Array | string;
  /** `whsec_…`, or the shared key where the operator set no webhook secret; several while one is being replaced. */
  readonly secret: string | readonly string[];
  /** How many seconds the attempt may be old (300), so that nobody sends a recorded one again; Infinity for tests. */
  readonly tolerance?: number;
}

/** A webhook that is from the service, unchanged and fresh. */
export interface VerifiedWebhook {
  /** The same on every attempt: remember it, and drop what has come before. */
  readonly id: string;
  readonly event: WebhookEvent;
}

const utf8 = new TextEncoder();

/**
 * Checks a delivery by its Standard Webhooks headers and returns its event.
 * @throws WebhookVerificationError when it must not be believed: answer 401
 */
export function verifyWebhook(input: WebhookInput): VerifiedWebhook {
  const id = header(input.headers, 'webhook-id');
  const timestamp = header(input.headers, 'webhook-timestamp');
  const signatures = header(input.headers, 'webhook-signature');
  if (id === '' || timestamp === '' || signatures === '')
    throw new WebhookVerificationError('webhook-id, webhook-timestamp or webhook-signature is missing');
  const age = Math.abs(Date.now() / 1000 - Number(timestamp));
  if (!/^\d+$/.test(timestamp) || age > (input.tolerance ?? 300))
    throw new WebhookVerificationError(
      `webhook-timestamp ${timestamp} is not of now: an old delivery, or a wrong clock`,
    );
  const body = typeof input.body === 'string' ? utf8.encode(input.body) : input.body;
  const secrets = typeof input.secret === 'string' ? [input.secret] : input.secret;
  const expected = secrets.map((secret) =>
    utf8.encode(`v1,${base64(hmacSha256(secretBytes(secret), utf8.encode(`${id}.${timestamp}.`), body))}`),
  );
  const given = signatures.split(' ').map((signature) => utf8.encode(signature));
  if (!given.some((signature) => expected.some((wanted) => sameBytes(signature, wanted))))
    throw new WebhookVerificationError('webhook-signature fits no secret over these bytes');
  try {
    return { id, event: JSON.parse(new TextDecoder().decode(body)) as WebhookEvent };
  } catch (cause) {
    throw new WebhookVerificationError('the signature is right but the body is no JSON', { cause });
  }
}

function header(headers: WebhookInput['headers'], name: string): string {
  if (typeof headers['get'] === 'function') return (headers as Headers).get(name) ?? '';
  for (const [key, value] of Object.entries(headers as Record<string, string | readonly string[] | undefined>))
    if (key.toLowerCase() === name) return typeof value === 'string' ? value : (value?.[0] ?? '');
  return '';
}

function secretBytes(secret: string): Uint8Array {
  if (!secret.startsWith('whsec_')) return utf8.encode(secret);
  return Uint8Array.from(atob(secret.slice('whsec_'.length)), (character) => character.charCodeAt(0));
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** Takes the same time wherever the bytes differ, so that a signature cannot be guessed byte by byte. */
function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (const [index, byte] of one.entries()) difference |= byte ^ other[index]!;
  return difference === 0;
}
