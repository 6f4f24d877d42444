import type { DescriptionBlock, DescriptionText } from '../description.js';
import { damageItems, plainDamageItems } from './damage-items.js';
import { withPhotos } from './damage-text.js';
import { capitalized, fill } from './fill.js';
import type { Glossary } from './glossary.js';
import { noteBlocks, type FindingNote } from './note-blocks.js';
import type { Statement } from './statement.js';
import { vehicleLine } from './vehicle-line.js';

/** Full stops as wide as a character, which hold the gap to the next sentence themselves: `。` in Chinese and Japanese. */
const WIDE_STOPS: ReadonlySet<string> = new Set(['。', '．']);

type Kind = Statement['kind'];
type Of<K extends Kind> = Statement & { readonly kind: K };

/**
 * Statements as text in the words of a glossary. Pure, and the only maker of published text: no word of it is a model's but those of
 * notes, which stand apart.
 * @param form - `plain`: one item for each damage, for a text whose usual form the auditor could not read back
 */
export function renderText(
  statements: readonly Statement[],
  glossary: Glossary,
  form: 'usual' | 'plain' = 'usual',
  notes: readonly FindingNote[] = [],
): DescriptionText {
  const of = <K extends Kind>(kind: K) => statements.filter((statement): statement is Of<K> => statement.kind === kind);
  const { sentences } = glossary;
  const areas = (kind: 'partly_visible' | 'not_visible') =>
    of(kind).map((statement) => fill(sentences[kind], { areas: areaList(statement.areas, glossary) }));
  const damages = of('damage');
  const blocks: (DescriptionBlock | null)[] = [
    sentence([vehicleLine(statements, glossary)].filter(Boolean), glossary),
    sentence(
      of('not_assessable').map((statement) => notAssessable(statement, glossary)),
      glossary,
    ),
    list(
      of('flag').map(({ flag, photos }) => withPhotos(glossary.flags[flag], photos, glossary)),
      glossary,
    ),
    list(form === 'usual' ? damageItems(damages, glossary) : plainDamageItems(damages, glossary), glossary),
    ...noteBlocks(notes, damages, glossary),
    sentence(
      [
        ...of('nothing_visible').map(({ areas: shown }) =>
          shown.length === 0
            ? sentences.nothing_visible_details
            : fill(sentences.nothing_visible, { areas: areaList(shown, glossary) }),
        ),
        ...of('unconfirmed').map(() => sentences.unconfirmed),
      ],
      glossary,
    ),
    sentence([...areas('partly_visible'), ...areas('not_visible')], glossary),
    sentence(
      of('limits').map(() => sentences.limits),
      glossary,
    ),
    sentence(
      of('simulated').map(() => sentences.simulated),
      glossary,
    ),
  ];
  return { blocks: blocks.filter((block) => block !== null) };
}

function notAssessable({ reasons }: Of<'not_assessable'>, { sentences, issues, list_separator }: Glossary): string {
  if (reasons.length === 0) return sentences.not_assessable_unknown;
  return fill(sentences.not_assessable, { reasons: reasons.map((reason) => issues[reason]).join(list_separator) });
}

function areaList(areas: Of<'not_visible'>['areas'], glossary: Glossary): string {
  return areas.map((area) => glossary.areas[area]).join(glossary.list_separator);
}

function sentence(texts: readonly string[], { locale, full_stop }: Glossary): DescriptionBlock | null {
  if (texts.length === 0) return null;
  const sentences = texts.map((text) => `${capitalized(text, locale)}${full_stop}`);
  return { kind: 'paragraph', text: sentences.join(WIDE_STOPS.has(full_stop) ? '' : ' ') };
}

function list(items: readonly string[], { locale }: Glossary): DescriptionBlock | null {
  return items.length === 0 ? null : { kind: 'list', items: items.map((item) => capitalized(item, locale)) };
}
