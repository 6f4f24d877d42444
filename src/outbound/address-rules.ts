import { isIP } from 'node:net';
import type { AllowList } from './allow-list.js';
import { parseUrl } from './parse-url.js';
import { isPublicAddress } from './public-address.js';

export { AllowList } from './allow-list.js';

/** Why an address is refused. The last two are found only while connecting. */
export type RefusalReason =
  | 'syntax'
  | 'too_long'
  | 'scheme'
  | 'credentials'
  | 'port'
  | 'host'
  | 'address'
  | 'resolved_address'
  | 'connected_address';

export type UrlCheck =
  { readonly ok: true; readonly url: URL } | { readonly ok: false; readonly reason: RefusalReason };

/** Signed storage links have up to some 2,000 characters; well-known servers refuse request lines above this limit. */
export const MAX_URL_CHARACTERS = 4096;
/**
 * What clients are told about the rules. It does not say which rule was broken, because that would reveal our network.
 */
export const ADDRESS_RULE = `public http or https addresses of at most ${MAX_URL_CHARACTERS} characters without control characters or backslashes`;

/** White space around an address, as in lists made by hand or by spreadsheets; every URL parser removes it. */
const AROUND = /^[\t\n\r ]+|[\t\n\r ]+$/g;
/** Control, format and surrogate characters, line separators and the backslash: parsers disagree about all of these. */
const AMBIGUOUS = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\\]/u;
/** A space in a host is refused too; behind the host every parser encodes it. */
const SPACE = /\p{Zs}/u;
const START = /^([a-z][a-z0-9+.-]*):(.*)$/i;
/** Two slashes and directly the host: `http:127.0.0.1` and `http:///127.0.0.1` are read differently elsewhere. */
const AUTHORITY = /^\/\/([^/?#]+)/;
const DEFAULT_PORTS: ReadonlySet<string> = new Set(['', '80', '443']);

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
/**
 * RFC 1123 and the underscore of buckets and subdomains, with at least two labels: a single one is a name of the local
 * network or of the machine.
 */
const PUBLIC_NAME = new RegExp(`^(?:${LABEL}\\.)+${LABEL}$`);
const MAX_NAME_CHARACTERS = 253;

/** Names that never lead to the internet: RFC 6761, 6762 with its appendix G, 8375, and ICANN's `internal`. */
const LOCAL_NAME = /\.(localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa)$/;

/**
 * Checks a client's URL without asking DNS. At intake this is the whole check, and for every hop the first one.
 * @param sent - as the client wrote it
 * @returns the parsed URL, without a trailing dot in its host; or the first rule it breaks
 */
export function checkUrl(sent: string, allow: AllowList): UrlCheck {
  const url = sent.replace(AROUND, '');
  if (url.length > MAX_URL_CHARACTERS) return refused('too_long');
  if (AMBIGUOUS.test(url)) return refused('syntax');
  const [, scheme = '', rest = ''] = START.exec(url) ?? [];
  if (scheme === '') return refused('syntax');
  if (!/^https?$/i.test(scheme)) return refused('scheme');
  const authority = AUTHORITY.exec(rest)?.[1];
  if (authority === undefined || SPACE.test(authority)) return refused('syntax');
  if (authority.includes('@')) return refused('credentials');
  // `%31%32%37.0.0.1` is 127.0.0.1 to some parsers and a strange name to others.
  if (authority.includes('%')) return refused('syntax');
  const parsed = parseUrl(url);
  if (parsed === null) return refused('syntax');
  if (parsed.href.length > MAX_URL_CHARACTERS) return refused('too_long');
  return checkHost(parsed, allow);
}

function checkHost(url: URL, allow: AllowList): UrlCheck {
  const host = bareHost(url);
  if (isIP(host) > 0) {
    if (allow.hasAddress(host)) return { ok: true, url };
    if (!isPublicAddress(host)) return refused('address');
  } else {
    // A trailing dot would end up in Host and SNI, and `localhost.` is still localhost.
    if (url.hostname !== host) url.hostname = host;
    if (allow.hasName(host)) return { ok: true, url };
    if (host.length > MAX_NAME_CHARACTERS || !PUBLIC_NAME.test(host) || LOCAL_NAME.test(host)) return refused('host');
  }
  return DEFAULT_PORTS.has(url.port) ? { ok: true, url } : refused('port');
}

/** The URL's host without the brackets of IPv6 and without a trailing dot. */
export function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$|\.$/g, '');
}

function refused(reason: RefusalReason): UrlCheck {
  return { ok: false, reason };
}
