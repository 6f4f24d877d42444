import type { AppConfig } from './app-config.js';

/**
 * The warning at start about TRUST_PROXY: if every X-Forwarded-For is believed, one client can look like a thousand.
 * @returns null when there is nothing to warn about
 */
export function proxyWarning(trustProxy: AppConfig['http']['trustProxy']): string | null {
  if (trustProxy !== true) return null;
  return (
    'TRUST_PROXY=true believes any X-Forwarded-For, so limits by client address have no effect: ' +
    'set the number of proxies in front, or their addresses as CIDRs'
  );
}
