import { setTimeout as wait } from 'node:timers/promises';

/** What a receiver can do wrong. Each is a parameter in the query of the webhook's address; they can be combined. */
export const MISBEHAVIOURS = {
  status: 'answer with this status (503)',
  'retry-after': 'send this Retry-After (60, or a date)',
  delay: 'answer only after so many seconds; "never" never answers',
  drip: 'send the body a byte every so many seconds, for ever',
  endless: 'send a body without end',
  redirect: 'answer 302 to this address',
  reset: 'break the connection instead of answering',
  times: 'do so for the first so many requests of this address only, then behave',
};

/**
 * Answers as the address asks for.
 * @param {URL} url - of the request
 * @param {number} earlier - requests to this very address before this one
 * @param {import('node:http').ServerResponse} response
 */
export async function answer(url, earlier, response) {
  const asked = url.searchParams;
  const times = Number(asked.get('times') ?? Infinity);
  if (earlier >= times) return void response.writeHead(204).end();
  const delay = asked.get('delay');
  if (delay === 'never') return;
  if (delay !== null) await wait(Number(delay) * 1000);
  if (asked.has('reset')) return void response.destroy();
  const redirect = asked.get('redirect');
  if (redirect !== null) return void response.writeHead(302, { location: redirect }).end();
  const headers = asked.has('retry-after') ? { 'retry-after': asked.get('retry-after') } : {};
  const drip = asked.get('drip');
  const body = drip !== null || asked.has('endless');
  response.writeHead(Number(asked.get('status') ?? (body ? 200 : 204)), headers);
  if (drip !== null) await dripInto(response, Number(drip) || 1);
  else if (asked.has('endless')) pourInto(response);
  else response.end();
}

async function dripInto(response, seconds) {
  while (!response.destroyed) {
    response.write('.');
    await wait(seconds * 1000);
  }
}

function pourInto(response) {
  const chunk = Buffer.alloc(64 * 1024, '.');
  const pour = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', pour);
  pour();
}
