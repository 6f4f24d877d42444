import { promises as dns, type LookupAddress } from 'node:dns';
import { Injectable } from '@nestjs/common';

/** c-ares waits this long for the first try and twice that for the second. */
const FIRST_TRY_MS = 1500;
const TRIES = 2;
/** RFC 8305's resolution delay: some name servers never answer for AAAA, and their A records must not wait for that. */
const SECOND_FAMILY_GRACE_MS = 250;

interface FamilyAnswer {
  readonly addresses: readonly LookupAddress[];
  readonly error?: unknown;
}

/**
 * Asks DNS for the addresses of a client's host name. It does not use dns.lookup, which blocks one of libuv's four
 * threads for as long as a hostile name server likes, while files and zlib of the whole process wait. The price is that
 * /etc/hosts and search domains are used only for names that the operator listed.
 */
@Injectable()
export class NameResolver {
  private resolver = this.open();

  /**
   * @param name - a host name of at least two labels
   * @returns every address found, IPv4 first; never an empty list
   * @throws Node's DNS error (`code` ENOTFOUND, ENODATA, ETIMEOUT, …)
   */
  async resolve(name: string): Promise<readonly LookupAddress[]> {
    const { resolver } = this;
    const v6Answer = settle(resolver.resolve6(name), 6);
    const v4 = await settle(resolver.resolve4(name), 4);
    const v6 = v4.addresses.length > 0 ? await within(v6Answer, SECOND_FAMILY_GRACE_MS) : await v6Answer;
    const addresses = [...v4.addresses, ...v6.addresses];
    if (addresses.length > 0) return addresses;
    const code = codeOf(v4.error);
    // c-ares reads resolv.conf once, so after a change of network only a new resolver knows the new servers.
    if ((code === 'ETIMEOUT' || code === 'ECONNREFUSED') && this.resolver === resolver) this.resolver = this.open();
    // c-ares has no name server at all (the machine uses another name service), so only the system's resolver can
    // answer.
    if (code === 'ECONNREFUSED') return this.resolveBySystem(name);
    // The servers may fail for one family and report nothing for the other; only when both report nothing is it
    // certain.
    throw hasNoAddress(v4.error) && v6.error !== undefined ? v6.error : v4.error;
  }

  /**
   * As the machine itself resolves: hosts file, search domains, container names. For names that the operator listed.
   */
  async resolveBySystem(name: string): Promise<readonly LookupAddress[]> {
    return dns.lookup(name, { all: true, order: 'ipv4first' });
  }

  /** A resolver that asks the servers which resolv.conf names now. */
  protected open(): dns.Resolver {
    return new dns.Resolver({ timeout: FIRST_TRY_MS, tries: TRIES });
  }
}

/** The name's own servers say so. Any other error (SERVFAIL, a time-out, no name server) may be gone in a minute. */
const NO_ADDRESS: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME', 'ENONAME']);

/** @param error - what {@link NameResolver} threw */
export function hasNoAddress(error: unknown): boolean {
  return NO_ADDRESS.has(codeOf(error));
}

async function settle(query: Promise<string[]>, family: 4 | 6): Promise<FamilyAnswer> {
  try {
    return { addresses: (await query).map((address) => ({ address, family })) };
  } catch (error) {
    return { addresses: [], error };
  }
}

async function within(answer: Promise<FamilyAnswer>, ms: number): Promise<FamilyAnswer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<FamilyAnswer>((resolve) => {
    timer = setTimeout(resolve, ms, { addresses: [] });
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? (error as { code?: unknown }).code : undefined;
}
