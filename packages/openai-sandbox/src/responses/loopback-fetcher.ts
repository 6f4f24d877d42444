import { BlockList } from 'node:net';
import type { PhotoDownload, PhotoFetcher } from './photo-source.js';

const MOST_PHOTO_BYTES = 50 * 1024 * 1024;
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Fetches photos only from this machine's loopback addresses, also after a redirect, because the addresses come from
 * the sandbox's callers. It resolves no names. For other addresses, pass in a fetcher with a guard.
 */
export function loopbackFetcher(timeoutSeconds: number): PhotoFetcher {
  return {
    fetch: async (url, signal) => {
      const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
      try {
        return await download(url, AbortSignal.any([signal, deadline]));
      } catch {
        signal.throwIfAborted();
        return nothing(deadline.aborted ? 'timeout' : 'unreachable');
      }
    },
    close: () => Promise.resolve(),
  };
}

async function download(url: string, signal: AbortSignal): Promise<PhotoDownload> {
  if (!isLoopback(url)) return nothing('unreachable');
  const response = await fetch(url, { redirect: 'manual', signal });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MOST_PHOTO_BYTES) return nothing('too_large');
    chunks.push(chunk);
  }
  return { status: response.status, body: Buffer.concat(chunks), problem: null };
}

function isLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (host.includes(':')) return LOOPBACK.check(host, 'ipv6');
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) && LOOPBACK.check(host, 'ipv4');
}

function nothing(problem: 'timeout' | 'unreachable' | 'too_large'): PhotoDownload {
  return { status: 0, body: Buffer.alloc(0), problem };
}
