import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The part of IPv6 that is routed on the internet (RFC 4291); `::7f00:1` and similar addresses are outside of it. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/** Addresses that ipaddr.js calls unicast but that must not be reached. */
const DENIED = [
  // Azure's wire server: keys and metadata of the machine, on an address that looks public.
  ipaddr.IPv4.parseCIDR('168.63.129.16/32'),
] as const;

/**
 * True only for an address on the public internet: neither private nor special, and not an IPv4-mapped or IPv4-embedded
 * IPv6 address.
 * @param address - as the resolver or a socket gives it; anything else, also with a zone id, is not public
 */
export function isPublicAddress(address: string): boolean {
  // ipaddr.js alone would also read `0x7f.1` or `10` as an address.
  if (isIP(address) === 0 || address.includes('%')) return false;
  const ip = ipaddr.parse(address);
  // Covers loopback, RFC 1918, link-local, CGNAT, documentation, multicast, v4-mapped, NAT64, 6to4, Teredo and the
  // rest.
  if (ip.range() !== 'unicast') return false;
  if (ip instanceof ipaddr.IPv6) return ip.match(GLOBAL_UNICAST) && !isIsatap(ip);
  return !DENIED.some((denied) => ip.match(denied));
}

/** ISATAP (RFC 5214): the last 64 bits are [0200:]5efe and an IPv4 address, under any prefix. */
function isIsatap(ip: ipaddr.IPv6): boolean {
  const [head, marker] = [ip.parts[4], ip.parts[5]];
  return marker === 0x5efe && (head === 0 || head === 0x0200);
}
