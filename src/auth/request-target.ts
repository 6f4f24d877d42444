const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

/**
 * The path with query of a request target. Proxies and a few clients send the absolute form (`GET http://host/path`),
 * which RFC 9112 obliges a server to take.
 */
export function pathWithQuery(target: string): string {
  const origin = ABSOLUTE.exec(target)?.[0];
  if (origin === undefined) return target;
  const rest = target.slice(origin.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** What a client may have signed of a target: its path with query, or the whole of it as it stands. */
export function signedTargets(target: string): readonly string[] {
  const path = pathWithQuery(target);
  return path === target ? [target] : [path, target];
}

/** By which method a request may have been signed: proxies make a HEAD of a GET, which tells less than the GET would. */
export function signedMethods(method: string): readonly string[] {
  return method === 'HEAD' ? ['HEAD', 'GET'] : [method];
}
