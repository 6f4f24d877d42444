/** `new URL` without the exception; URL.parse is not in every Node 20. */
export function parseUrl(text: string, base?: string | URL): URL | null {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}
