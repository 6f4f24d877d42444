import type { AppConfig } from './app-config.js';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { SettingReader } from './setting-reader.js';

/** Networks that Express knows by name. */
const NAMED = new Set(['loopback', 'linklocal', 'uniquelocal']);

/** TRUST_PROXY in Express's form. It is checked here because Express's own error does not name the variable. */
export function readTrustProxy(read: SettingReader): boolean | number | string {
  const value = read.text('TRUST_PROXY', 'false');
  if (value === 'true' || value === 'false') return value === 'true';
  if (/^\d+$/.test(value)) return Number(value);
  if (!value.split(',').every((entry) => isProxy(entry.trim()))) {
    read.problem('TRUST_PROXY must be false, true, a number of proxies, or addresses and CIDRs separated by commas');
    return false;
  }
  return value;
}

function isProxy(entry: string): boolean {
  if (NAMED.has(entry)) return true;
  const [address = '', range, ...more] = entry.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  if (range === undefined) return true;
  const bits = /^\d+$/.test(range) ? Number(range) : bitsOfMask(range, version);
  return bits > 0 && bits <= (version === 4 ? 32 : 128);
}

/** `255.0.0.0` is 8; 0 when it is not a mask. */
function bitsOfMask(mask: string, version: number): number {
  return version === 4 && isIP(mask) === 4 ? (ipaddr.IPv4.parse(mask).prefixLengthFromSubnetMask() ?? 0) : 0;
}

/**
 * The warning about TRUST_PROXY at the start: if every X-Forwarded-For is believed, one client cannot be told from a
 * thousand.
 * @returns null when there is nothing to warn about
 */
export function proxyWarning(trustProxy: AppConfig['http']['trustProxy']): string | null {
  if (trustProxy !== true) return null;
  return (
    'TRUST_PROXY=true believes every X-Forwarded-For, so a client can avoid all limits that are counted by address: ' +
    'set the number of proxies in front, or their addresses as CIDRs'
  );
}
