import { createHmac } from 'node:crypto';
import { GENERATE, SECRETS } from '../../support/service.js';
import { signatureHeaders } from '../../support/signing.js';
import { mistake, post, signed, type Mistake } from './mistake.js';

/** Of the signature. */
export const SIGNING: readonly Mistake[] = [
  mistake(
    'the secret has a line end at its end',
    ({ service }) => {
      const body = JSON.stringify(service.request());
      const headers = signatureHeaders(`${SECRETS.acme}\n`, { target: GENERATE, method: 'POST', body });
      return post(service, headers, body);
    },
    403,
    'INVALID_SIGNATURE',
    'no line end',
    '/docs/signing-page',
    'body_sha256',
  ),
  mistake(
    'JSON is written again after it was signed',
    ({ service }) => {
      const body = service.request();
      return post(service, signed(JSON.stringify(body)), JSON.stringify(body, null, 2));
    },
    403,
    'INVALID_SIGNATURE',
    'SHA-256 of the body',
    'body_sha256',
  ),
  mistake(
    'no signature',
    ({ service }) => post(service, {}, JSON.stringify(service.request())),
    401,
    'MISSING_SIGNATURE',
    'X-Signature',
    'X-Timestamp',
  ),
  mistake(
    'X-Timestamp is forgotten',
    ({ service }) => {
      const body = JSON.stringify(service.request());
      return post(service, { 'X-Signature': signed(body)['X-Signature'] ?? '' }, body);
    },
    401,
    'MISSING_SIGNATURE',
    'X-Timestamp',
  ),
  mistake(
    'X-Timestamp is in milliseconds',
    ({ service }) => {
      const body = JSON.stringify(service.request());
      return post(service, { ...signed(body), 'X-Timestamp': String(Date.now()) }, body);
    },
    401,
    'MISSING_SIGNATURE',
    'unix seconds, ten digits',
  ),
  mistake(
    'the prefix is sha256= in place of v1=',
    ({ service }) => {
      const body = JSON.stringify(service.request());
      const headers = signed(body);
      return post(service, { ...headers, 'X-Signature': `sha256=${headers['X-Signature']?.slice(3)}` }, body);
    },
    403,
    'INVALID_SIGNATURE',
    'v1=<hex>',
  ),
  mistake(
    'the body is signed alone, as an older service had it',
    ({ service }) => {
      const body = JSON.stringify(service.request());
      return post(service, { 'X-Signature': createHmac('sha256', 'key').update(body).digest('hex') }, body);
    },
    403,
    'INVALID_SIGNATURE',
    'raw body',
  ),
  mistake(
    'the path is signed without its query',
    ({ service }) => service.sendAsIs('/api/v1/batch-jobs?limit=5', 'GET', signed('', '/api/v1/batch-jobs', 'GET')),
    403,
    'INVALID_SIGNATURE',
    'path with query',
    '/api/v1/batch-jobs?limit=5',
  ),
  mistake(
    'a GET is signed as a POST',
    ({ service }) => service.sendAsIs('/api/v1/batch-jobs', 'GET', signed('', '/api/v1/batch-jobs', 'POST')),
    403,
    'INVALID_SIGNATURE',
    '"method":"GET"',
  ),
  mistake(
    'the clock is an hour behind',
    ({ service }) => service.send('/api/v1/batch-jobs', { at: Math.floor(Date.now() / 1000) - 3600 }),
    403,
    'INVALID_SIGNATURE',
    'within 300 s',
    'server_time',
  ),
];
