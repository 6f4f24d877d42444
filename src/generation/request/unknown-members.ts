/** The members that this service reads, by their place. Any other member is accepted and named in warnings. */
export const HEAD_MEMBERS = [
  'version',
  'languages',
  'lots',
  'signature',
  'webhook_url',
  'mode',
  'include',
  'metadata',
  'max_cost_usd',
  'webhook_events',
] as const;
export const LOT_MEMBERS = ['lot_id', 'images', 'additional_info', 'webhook'] as const;
export const PHOTO_MEMBERS = ['url'] as const;
const RETRY_MEMBERS = ['codes', 'lot_ids', 'dry_run'] as const;

/** How many unknown members an answer names: enough to find what is misspelt, and not 50,000 of them. */
const MAX_WARNED = 20;
const MAX_NAME_CHARACTERS = 64;

type Members = Readonly<Record<string, unknown>>;

/** A known member, and the forms by which its likeness to another name is judged. */
interface Known {
  readonly name: string;
  /** Lower case and without separators, so that maxCostUsd and max_cost_usd are the same. */
  readonly squeezed: string;
  readonly words: readonly string[];
}

const HEAD = knownMembers(HEAD_MEMBERS);
const LOT = knownMembers(LOT_MEMBERS);
const PHOTO = knownMembers(PHOTO_MEMBERS);
const RETRY = knownMembers(RETRY_MEMBERS);

/** Other names for the same members, as used by other services; squeezed. */
const OTHER_WORDS: Readonly<Record<string, readonly string[]>> = {
  lots: ['items', 'vehicles', 'cars'],
  languages: ['locales', 'locale', 'translations'],
  webhook_url: ['callback', 'hook', 'notify'],
  webhook: ['callback', 'callbackurl', 'hook', 'notifyurl'],
  max_cost_usd: ['budget', 'limit', 'spendlimit'],
  metadata: ['tags', 'labels', 'custom'],
  images: ['photos', 'pictures', 'pics', 'photourls'],
  additional_info: ['description', 'comment', 'comments', 'notes', 'note', 'details'],
  url: ['src', 'href', 'link', 'address', 'location'],
};

/**
 * Collects the members of a request that the service does not know. They are no reason to refuse it, but a mistyped
 * cost limit that is silently ignored would cost money.
 */
export class UnknownMembers {
  private readonly ofHead: string[] = [];
  private readonly ofLots: string[] = [];

  /** Unknown members besides the lots. */
  head(members: Members): void {
    note(members, HEAD, '', this.ofHead);
  }

  /** Unknown members of a request for a retry. */
  retry(members: Members): void {
    note(members, RETRY, '', this.ofHead);
  }

  lot(lot: Members, position: number): void {
    // Once there are enough, further lots are not checked.
    if (this.ofLots.length < MAX_WARNED) note(lot, LOT, `lots[${position}].`, this.ofLots);
  }

  photo(photo: Members, position: number, index: number): void {
    if (this.ofLots.length < MAX_WARNED) note(photo, PHOTO, `lots[${position}].images[${index}].`, this.ofLots);
  }

  /** The first of them as warnings. Those of the request itself come first, because they concern all of it. */
  get warnings(): string[] {
    return [...this.ofHead, ...this.ofLots].slice(0, MAX_WARNED);
  }
}

function note(members: Members, known: readonly Known[], place: string, found: string[]): void {
  for (const name in members) {
    if (known.some((member) => member.name === name) || found.length >= MAX_WARNED) continue;
    const near = nearest(name, known, members);
    const hint = near === null ? '' : ` (did you mean ${near}?)`;
    found.push(`unknown_member:${place}${shownName(name)}${hint}`);
  }
}

/** A name that is safe in an answer, in a log and in PostgreSQL: shortened, without control or format characters. */
function shownName(name: string): string {
  // A character has at most two UTF-16 units, so a name of 250 KB is cut before it is split into characters.
  const characters = Array.from(name.slice(0, 2 * MAX_NAME_CHARACTERS)).slice(0, MAX_NAME_CHARACTERS);
  return characters.join('').replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

/**
 * The known member that was most likely meant, or null.
 * @param members - all members of the object; a likeness of words alone does not suggest a member that is there already
 */
function nearest(name: string, known: readonly Known[], members: Members): string | null {
  const squeezed = squeeze(name.slice(0, MAX_NAME_CHARACTERS));
  if (squeezed === '') return null;
  const misspelt = best(known, (member) => {
    const steps = editDistance(squeezed, member.squeezed);
    return steps <= Math.max(1, Math.floor(member.squeezed.length / 3)) ? -steps : null;
  });
  if (misspelt !== null) return misspelt;
  const words = wordsOf(name.slice(0, MAX_NAME_CHARACTERS));
  return best(
    known.filter((member) => !Object.hasOwn(members, member.name)),
    (member) => likeness(squeezed, words, member),
  );
}

/** How much of two names is the same, above 0; null when nothing is. */
function likeness(squeezed: string, words: readonly string[], member: Known): number | null {
  if (OTHER_WORDS[member.name]?.includes(squeezed) === true) return 2;
  const shared = words.filter((word) => member.words.includes(word)).length;
  if (shared > 0) return shared / (words.length + member.words.length - shared);
  const [shorter, longer] = [squeezed, member.squeezed].sort((a, b) => a.length - b.length) as [string, string];
  return shorter.length >= 4 && longer.includes(shorter) ? shorter.length / longer.length / 2 : null;
}

function best(known: readonly Known[], score: (member: Known) => number | null): string | null {
  let found: string | null = null;
  let highest = -Infinity;
  for (const member of known) {
    const value = score(member);
    if (value === null || value <= highest) continue;
    found = member.name;
    highest = value;
  }
  return found;
}

function knownMembers(names: readonly string[]): Known[] {
  return names.map((name) => ({ name, squeezed: squeeze(name), words: wordsOf(name) }));
}

function squeeze(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** The words of a name in the singular: `imageUrls`, `image-urls` and `image_urls` are image and url. */
function wordsOf(name: string): string[] {
  const words =
    name
      .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
      .toLowerCase()
      .match(/[\p{L}\p{N}]{2,}/gu) ?? [];
  return words.map((word) => (word.length > 3 ? word.replace(/s$/, '') : word));
}

/** The number of insertions, removals, replacements and swaps of neighbours that turn one into the other. */
function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1;
      let steps = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + same);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        steps = Math.min(steps, at(before, j - 2) + 1);
      }
      row.push(steps);
    }
    before = last;
    last = row;
  }
  return at(last, to.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] as number;
}
