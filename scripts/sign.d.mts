/** The headers of a signed request; target is the path with its query, timestamp in unix seconds. */
export function sign(
  secret: string,
  method: string,
  target: string,
  body?: Buffer | string,
  timestamp?: number,
): { 'X-Timestamp': string; 'X-Signature': string };
