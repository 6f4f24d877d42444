import { cutText } from '../common/cut-text.js';
import { ADDRESS_RULE, MAX_URL_CHARACTERS, type RefusalReason } from './address-rules.js';

/**
 * An address as a refusal names it: whole, so that a client finds it in what it sent, unless it is no http(s) address. A
 * photo as data: would come back with all its bytes.
 */
export function shownAddress(url: string): string {
  return /^https?:\/\//i.test(url) && url.length <= MAX_URL_CHARACTERS ? url : cutText(url);
}

/** Rules that a look at the address shows to be broken, so that to name them tells nothing of our network. */
const PLAIN_RULES: Partial<Record<RefusalReason, string>> = {
  port: 'on port 80 or 443: another port is not taken',
  credentials: 'without user:password: put a token into the path or query instead',
};

/** What addresses need that were refused for these reasons, as the end of a sentence. */
export function addressNeeds(reasons: Iterable<RefusalReason>): string {
  const plain = [...new Set(reasons)].flatMap((reason) => PLAIN_RULES[reason] ?? []);
  return [ADDRESS_RULE, ...plain].join(', ');
}
