import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { ConfigError } from '../config/setting-reader.js';
import { parseUrl } from './parse-url.js';

type Range = { readonly v4: boolean; readonly base: ipaddr.IPv4 | ipaddr.IPv6; readonly bits: number };

/** The most addresses whose answer one list remembers. */
const MOST_ASKED = 1000;
/** The most names leading into a listed network that one list remembers. */
const MOST_LED = 10_000;

const HOST_NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/**
 * OUTBOUND_ALLOW: the hosts and networks that pass the guard.
 * - A listed host name is let through on any port, whatever address it has.
 * - A listed network lets through its addresses on any port. It also lets through names that resolve to one of its
 *   addresses, but only on ports 80 and 443, because no name is resolved at intake, where the port is checked.
 */
export class AllowList {
  /** The latest results, because the address of a receiver is checked again with each of its answers. */
  private readonly asked = new Map<string, boolean>();

  /**
   * Names that resolved to an address in a listed network. Neither the answers nor the errors of their hosts may be
   * shown.
   */
  private readonly led = new Set<string>();

  private constructor(
    private readonly names: ReadonlySet<string>,
    private readonly ranges: readonly Range[],
  ) {}

  /**
   * @param entries - host names (`receiver.internal`), addresses (`10.0.0.5`, `::1`) and CIDRs (`10.0.0.0/8`), without
   * ports
   * @throws ConfigError naming the position of an entry that is none of these
   */
  static parse(entries: readonly string[]): AllowList {
    const names = new Set<string>();
    const ranges: Range[] = [];
    const problems: string[] = [];
    for (const [index, entry] of entries.entries()) {
      const range = parseRange(entry);
      const name = range === null ? parseName(entry) : null;
      if (range !== null) ranges.push(range);
      else if (name !== null) names.add(name);
      else
        problems.push(`OUTBOUND_ALLOW: entry ${index + 1} is neither a host name nor an address nor a CIDR (no ports)`);
    }
    if (problems.length > 0) throw new ConfigError(problems);
    return new AllowList(names, ranges);
  }

  /** @param name - a host name, lower case and without trailing dot */
  hasName(name: string): boolean {
    return this.names.has(name);
  }

  /** @param address - an IP address without brackets; IPv4 inside IPv6 counts as IPv6 */
  hasAddress(address: string): boolean {
    if (this.ranges.length === 0) return false;
    let listed = this.asked.get(address);
    if (listed === undefined) {
      listed = isIP(address) > 0 && !address.includes('%') && this.isInRange(ipaddr.parse(address));
      if (this.asked.size >= MOST_ASKED) this.asked.clear();
      this.asked.set(address, listed);
    }
    return listed;
  }

  /** @param name - a host name that resolved into one of the listed networks */
  noteLed(name: string): void {
    if (this.led.size >= MOST_LED) this.led.clear();
    this.led.add(name);
  }

  /**
   * Whether the list lets a host through, as far as is known.
   * @param host - a name or an address, without brackets and trailing dot
   */
  covers(host: string): boolean {
    return this.hasName(host) || this.hasAddress(host) || this.led.has(host);
  }

  private isInRange(ip: ipaddr.IPv4 | ipaddr.IPv6): boolean {
    return this.ranges.some((range) =>
      ip instanceof ipaddr.IPv4
        ? range.v4 && ip.match(range.base as ipaddr.IPv4, range.bits)
        : !range.v4 && ip.match(range.base as ipaddr.IPv6, range.bits),
    );
  }
}

function parseRange(entry: string): Range | null {
  const [, address = '', prefix] = /^\[?([0-9A-Fa-f:.]+)\]?(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const family = isIP(address);
  if (family === 0) return null;
  const longest = family === 4 ? 32 : 128;
  const bits = prefix === undefined ? longest : Number(prefix);
  return bits > longest ? null : { v4: family === 4, base: ipaddr.parse(address), bits };
}

function parseName(entry: string): string | null {
  const url = parseUrl(`http://${entry}/`);
  if (url === null || url.port !== '' || url.pathname !== '/' || url.username !== '') return null;
  const name = url.hostname.replace(/\.$/, '');
  return HOST_NAME.test(name) && isIP(name) === 0 ? name : null;
}
