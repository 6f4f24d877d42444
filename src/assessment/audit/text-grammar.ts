import { PHOTO_ISSUES } from '../lot-flags.js';
import { AREAS } from '../taxonomy.js';
import type { Glossary } from '../text/glossary.js';
import {
  capitalised,
  choice,
  number,
  optionally,
  pattern,
  repeated,
  says,
  sequence,
  statement,
  terms,
  text,
  type Grammar,
  type PlaceInText,
} from './grammar.js';
import { localNumber, plainNumber } from './numbers.js';
import { detailTerms, keys, listTerms, placeTerms, term, typeTerms, vehicleTerms } from './words.js';

/** An item of a list: a flag, a part with its damages, or a damage with its places. */
export function itemGrammar(glossary: Glossary): Grammar {
  const { item, flags, locale } = glossary;
  const flag = sequence(withPhotos(terms(listTerms(flags, (code) => ({ flag: code }))), glossary), statement('flag'));
  const damage = sequence(withPhotos(damageGrammar(glossary, false), glossary), statement('damage'));
  const place = sequence(
    withPhotos(counted(terms(placeTerms(glossary, false)), glossary), glossary),
    statement('damage'),
  );
  const byPart = pattern(item.by_part, {
    place: terms(placeTerms(glossary, true)),
    damages: repeated(damage, item.between),
  });
  const byDamage = pattern(item.by_damage, {
    damage: damageGrammar(glossary, true),
    places: repeated(place, item.between),
  });
  return choice(
    at('flags', capitalised(flag, locale)),
    at('damages', capitalised(byPart, locale)),
    at('damages', capitalised(byDamage, locale)),
  );
}

/** A paragraph: each kind of them stands at a place of its own. */
export function paragraphGrammar(glossary: Glossary): Grammar {
  const { sentences, list_separator: between } = glossary;
  const areas = repeated(listed(glossary.areas, AREAS), between);
  const reasons = repeated(listed(glossary.issues, PHOTO_ISSUES), between);
  const said = (grammar: Grammar, kind: Parameters<typeof statement>[0]) =>
    ended(sequence(grammar, statement(kind)), glossary);
  const partly = said(pattern(sentences.partly_visible, { areas }), 'partly_visible');
  const not = said(pattern(sentences.not_visible, { areas }), 'not_visible');
  // Chinese and Japanese write no space after a full stop, which is as wide as a character there.
  const gap = text(/[\u3002\uFF0E]$/.test(glossary.full_stop) ? '' : ' ');
  const nothing = choice(
    said(pattern(sentences.nothing_visible, { areas }), 'nothing_visible'),
    said(text(sentences.nothing_visible_details), 'nothing_visible'),
  );
  const unconfirmed = said(text(sentences.unconfirmed), 'unconfirmed');
  return choice(
    at('vehicle', vehicleGrammar(glossary)),
    at('not_assessable', said(pattern(sentences.not_assessable, { reasons }), 'not_assessable')),
    at('not_assessable', said(text(sentences.not_assessable_unknown), 'not_assessable')),
    at('found', choice(nothing, unconfirmed)),
    at('areas', choice(partly, not, sequence(partly, gap, not))),
    at('limits', said(text(sentences.limits), 'limits')),
    at('simulated', said(text(sentences.simulated), 'simulated')),
  );
}

function at(place: PlaceInText, grammar: Grammar): Grammar {
  return sequence(says({ says: 'place', place }), grammar);
}

function ended(grammar: Grammar, { locale, full_stop }: Glossary): Grammar {
  return sequence(capitalised(grammar, locale), text(full_stop));
}

/** Vehicle, reading, interior and tyres, in this order; one of them at least. */
function vehicleGrammar(glossary: Glossary): Grammar {
  const { vehicle, locale } = glossary;
  const value = number(localNumber(locale), 'reading');
  const reading = (written: string, unit: 'km' | 'mi' | null) =>
    sequence(pattern(written, { value }), says({ says: 'values', values: { unit }, shared: false }));
  const segments = [
    sequence(terms(vehicleTerms(glossary)), statement('vehicle')),
    sequence(
      choice(reading(vehicle.km, 'km'), reading(vehicle.mi, 'mi'), reading(vehicle.odometer, null)),
      statement('odometer'),
    ),
    sequence(
      withPhotos(terms(listTerms(vehicle.interior, (interior) => ({ interior }))), glossary),
      statement('interior'),
    ),
    sequence(withPhotos(terms(listTerms(vehicle.tyres, (tyres) => ({ tyres }))), glossary), statement('tyres')),
  ];
  const lines = segments.map((first, index) =>
    sequence(
      first,
      ...segments.slice(index + 1).map((more) => choice(text(''), sequence(text(vehicle.between), more))),
    ),
  );
  return ended(choice(...lines), glossary);
}

/** A damage without its place and its photos; one that several places share has no number of its own. */
function damageGrammar(glossary: Glossary, shared: boolean): Grammar {
  const { item, severities } = glossary;
  const types = typeTerms(glossary, shared);
  const written = (degrees: boolean) => {
    const some = terms(types.filter((one) => one.degrees === degrees));
    return shared ? some : counted(some, glossary);
  };
  const severity = terms(listTerms(severities, (one) => ({ severity: one }), shared));
  const damage = choice(pattern(item.damage, { type: written(true), severity }), written(false));
  return optionally(damage, item.details, 'damage', { details: terms(detailTerms(glossary, shared)) });
}

function counted(grammar: Grammar, { item, counts }: Glossary): Grammar {
  const count = choice(
    terms([term(counts.few, { count: 'few' }, false), term(counts.many, { count: 'many' }, false)]),
    pattern(counts.exact, { n: number(plainNumber, 'count') }),
  );
  return optionally(grammar, item.count, 'text', { count });
}

function withPhotos(grammar: Grammar, { item, photos }: Glossary): Grammar {
  const one = number(plainNumber, 'photo');
  const run = pattern(photos.range, { from: number(plainNumber, 'from'), to: number(plainNumber, 'to') });
  // Several: a run, or one of the two and more behind it. A single number has a pattern of its own.
  const several = choice(
    run,
    sequence(choice(run, one), text(photos.separator), repeated(choice(run, one), photos.separator)),
  );
  return optionally(grammar, item.photos, 'text', {
    photos: choice(pattern(photos.one, { n: one }), pattern(photos.many, { list: several })),
  });
}

function listed<K extends keyof typeof AREAS | keyof typeof PHOTO_ISSUES>(
  words: Readonly<Record<K, string>>,
  list: Readonly<Record<K, unknown>>,
): Grammar {
  return terms(keys(list).map((code) => ({ text: words[code], token: { says: 'listed', code } })));
}
