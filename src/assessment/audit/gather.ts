import { PHOTO_ISSUES, type PhotoIssue } from '../lot-flags.js';
import { AREAS, type Area } from '../taxonomy.js';
import type { Statement } from '../text/statement.js';
import type { PlaceInText, Token, Values } from './grammar.js';
import { keys } from './words.js';

/** What one string of a text says, and where in the text it may stand. */
export interface Said {
  readonly place: PlaceInText;
  readonly statements: readonly Statement[];
}

/** More photos than these no lot has; a run up to a billion must not be written out. */
const MOST_PHOTOS = 10_000;

interface Entry {
  readonly kind: Statement['kind'];
  readonly values: Values;
  readonly photos: readonly number[];
  readonly listed: readonly (Area | PhotoIssue)[];
}

/** Puts the statements of a string together; null where it says something that no statement can say. */
export function gather(tokens: readonly Token[]): Said | null {
  let place: PlaceInText | null = null;
  let shared: Values = {};
  let own: Values = {};
  let photos: number[] = [];
  let listed: (Area | PhotoIssue)[] = [];
  let from: number | null = null;
  const entries: Entry[] = [];
  for (const token of tokens) {
    switch (token.says) {
      case 'place':
        place = token.place;
        break;
      case 'values':
        if (token.shared) shared = { ...shared, ...token.values };
        else own = { ...own, ...token.values };
        break;
      case 'listed':
        listed.push(token.code);
        break;
      case 'number':
        if (token.use === 'count') {
          // One is never counted.
          if (token.value < 2) return null;
          own = { ...own, count: token.value };
        } else if (token.use === 'reading') own = { ...own, value: token.value };
        else if (token.use === 'photo') photos.push(token.value);
        else if (token.use === 'from') from = token.value;
        else {
          const run = runOf(from, token.value);
          if (run === null || photos.length + run.length > MOST_PHOTOS) return null;
          photos.push(...run);
        }
        break;
      case 'statement':
        entries.push({ kind: token.kind, values: own, photos, listed });
        own = {};
        photos = [];
        listed = [];
    }
  }
  if (place === null) return null;
  const statements = entries.map((entry) => statementOf({ ...entry, values: { ...shared, ...entry.values } }));
  return statements.every((one) => one !== null) ? { place, statements } : null;
}

/** The numbers of a run; shorter ones are written out, one by one. */
function runOf(from: number | null, to: number): readonly number[] | null {
  if (from === null || to - from < 2 || to - from > MOST_PHOTOS) return null;
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function statementOf({ kind, values, photos, listed }: Entry): Statement | null {
  if (!ascending(photos)) return null;
  switch (kind) {
    case 'vehicle': {
      const { vehicle = null, body = null, colour = null, doors = null } = values;
      return { kind, vehicle, body, colour, doors };
    }
    case 'odometer': {
      const { value, unit } = values;
      return value === undefined || unit === undefined ? null : { kind, value, unit };
    }
    case 'interior':
      return values.interior === undefined ? null : { kind, state: values.interior, photos };
    case 'tyres':
      return values.tyres === undefined ? null : { kind, state: values.tyres, photos };
    case 'flag':
      return values.flag === undefined ? null : { kind, flag: values.flag, photos };
    case 'damage':
      return damageOf(values, photos);
    case 'nothing_visible':
    case 'partly_visible':
    case 'not_visible': {
      const areas = inOrder(listed, keys(AREAS));
      return areas === null ? null : { kind, areas };
    }
    case 'not_assessable': {
      const reasons = inOrder(listed, keys(PHOTO_ISSUES));
      return reasons === null ? null : { kind, reasons };
    }
    case 'unconfirmed':
    case 'limits':
    case 'simulated':
      return { kind };
  }
}

function damageOf(values: Values, photos: readonly number[]): Statement | null {
  const { part, side, end, type, severity, possible } = values;
  if (part === undefined || side === undefined || end === undefined) return null;
  if (type === undefined || severity === undefined || possible === undefined) return null;
  const { zone = null, extent = null, through = null, count = 1 } = values;
  return { kind: 'damage', part, side, end, type, severity, zone, extent, count, through, possible, photos };
}

function ascending(numbers: readonly number[]): boolean {
  return numbers.every((value, index) => index === 0 || value > (numbers[index - 1] ?? value));
}

/** The codes, where each is of the list, once, and in its order. */
function inOrder<K extends string>(codes: readonly string[], list: readonly K[]): readonly K[] | null {
  const positions = codes.map((code) => list.indexOf(code as K));
  return positions.every((position) => position >= 0) && ascending(positions) ? (codes as readonly K[]) : null;
}
