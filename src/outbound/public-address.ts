import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The part of IPv6 that is routed on the internet (RFC 4291); `::7f00:1` and its like lie outside of it. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/** What ipaddr.js calls unicast and must not be reached all the same. */
const DENIED = [
  // Azure's wire server: keys and metadata of the machine, on an address that looks public.
  ipaddr.IPv4.parseCIDR('168.63.129.16/32'),
] as const;

/**
 * True only for an address on the public internet: neither private nor special, and no IPv4 address in IPv6 clothes.
 * @param address - as the resolver or a socket names it; anything else, a zone id included, is not public
 */
export function isPublicAddress(address: string): boolean {
  // ipaddr.js alone would also read `0x7f.1` or `10` as an address.
  if (isIP(address) === 0 || address.includes('%')) return false;
  const ip = ipaddr.parse(address);
  // Covers loopback, RFC 1918, link-local, CGNAT, documentation, multicast, v4-mapped, NAT64, 6to4, Teredo and the rest.
  if (ip.range() !== 'unicast') return false;
  if (ip instanceof ipaddr.IPv6) return ip.match(GLOBAL_UNICAST) && !isIsatap(ip);
  return !DENIED.some((denied) => ip.match(denied));
}

/** ISATAP (RFC 5214): the last 64 bits are [0200:]5efe and an IPv4 address, under any prefix. */
function isIsatap(ip: ipaddr.IPv6): boolean {
  const [head, marker] = [ip.parts[4], ip.parts[5]];
  return marker === 0x5efe && (head === 0 || head === 0x0200);
}
