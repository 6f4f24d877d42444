import type { AppConfig } from './app-config.js';

/**
 * What the start says of TRUST_PROXY: who believes every X-Forwarded-For cannot tell one client from a thousand.
 * @returns null where there is nothing to be said
 */
export function proxyWarning(trustProxy: AppConfig['http']['trustProxy']): string | null {
  if (trustProxy !== true) return null;
  return (
    'TRUST_PROXY=true believes whatever X-Forwarded-For says, so what is counted by address protects nobody: ' +
    'set the number of proxies in front, or their addresses as CIDRs'
  );
}
