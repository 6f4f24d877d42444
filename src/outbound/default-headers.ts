/**
 * Headers of every request to an address named by a client; a header of the request itself replaces the one here.
 * `identity`: nothing is ever decompressed, so a compression bomb is only as large as it was sent.
 */
export const DEFAULT_HEADERS: Readonly<Record<string, string>> = {
  'user-agent': 'Generation-Service/2.0',
  'accept-encoding': 'identity',
};
