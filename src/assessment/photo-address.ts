/**
 * A photo's address as whoever fetches it reads it: browsers forgive white space around an address and encode a space within; an API may not.
 * Every other address stays letter for letter what the client sent.
 */
export function fetchable(url: string): string {
  return NEEDS_MENDING.test(url) ? url.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '').replaceAll(' ', '%20') : url;
}

const NEEDS_MENDING = /[\t\n\r ]/;
