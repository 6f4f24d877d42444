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

/** The parts of a target that a client may have signed: its path with query, or all of it as sent. */
export function signedTargets(target: string): readonly string[] {
  const path = pathWithQuery(target);
  return path === target ? [target] : [path, target];
}

/**
 * The methods with which a request may have been signed. Proxies turn a GET into a HEAD, which returns less than the
 * GET.
 */
export function signedMethods(method: string): readonly string[] {
  return method === 'HEAD' ? ['HEAD', 'GET'] : [method];
}
