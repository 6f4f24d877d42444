/**
 * The Content-Security-Policy of our own pages: nothing from other hosts, nothing inline, no frames. Addresses that a client
 * names are not loaded either.
 */
export function pagePolicy({ connects = true }: { readonly connects?: boolean } = {}): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src ${connects ? "'self'" : "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
