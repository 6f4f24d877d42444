import { createHmac, timingSafeEqual } from 'node:crypto';

const TOLERANCE_SECONDS = 300;

/**
 * Checks a delivery as a receiver should, by both schemes, and says what is wrong with it.
 * @param {Record<string, string | string[] | undefined>} headers - names in lower case
 * @param {Buffer} body - the exact bytes that came
 * @param {{ webhookSecret: string, sharedKey: string, now?: number }} secrets - either may be empty: it is not checked
 * then
 * @returns {string[]} what does not hold; empty when all of it does
 */
export function problemsOf(headers, body, { webhookSecret, sharedKey, now = Date.now() }) {
  const problems = [];
  const id = String(headers['webhook-id'] ?? '');
  const timestamp = String(headers['webhook-timestamp'] ?? '');
  if (!/^\d+$/.test(timestamp) || Math.abs(now / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) {
    problems.push('webhook-timestamp is missing or more than five minutes off');
  }
  const secret = webhookSecret || sharedKey;
  if (secret !== '') {
    const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
    const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
    const signatures = String(headers['webhook-signature'] ?? '').split(' ');
    if (!signatures.some((signature) => same(signature, `v1,${hmac}`))) problems.push('webhook-signature does not fit');
  }
  if (sharedKey !== '') {
    const hex = createHmac('sha256', sharedKey).update(body).digest('hex');
    const signature = String(headers['x-signature'] ?? '').replace(/^sha256=/, '');
    if (!same(signature, hex)) problems.push('X-Signature does not fit');
  }
  return problems;
}

function same(left, right) {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
