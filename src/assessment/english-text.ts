import type { Assessment, Finding, PhotoRef } from './assessment.js';
import { areasWith } from './coverage.js';
import type { DescriptionBlock, DescriptionText } from './description.js';
import { LOT_FLAGS, PHOTO_ISSUES } from './lot-flags.js';
import { codesOf, placeName } from './part-rules.js';
import { AREAS, DAMAGE_TYPES, SEVERITIES } from './taxonomy.js';
import type { Area } from './taxonomy.js';

const LIMITS =
  'Photos do not show mechanical, electrical or hidden structural condition; this text describes only what is visible.';
const NOTHING_USABLE =
  'The condition of the vehicle cannot be assessed: none of the photos shows it well enough. This does not mean that there is no damage.';

/**
 * The English description: a summary, the findings, what the photos do not show, and their own faults. It is written
 * from accepted rows alone, so it cannot say what no row says; that a vehicle is undamaged is never said, only that no
 * damage is visible in what the photos show.
 */
export function englishDescription(assessment: Assessment): DescriptionText {
  const blocks: DescriptionBlock[] = [paragraph(summary(assessment))];
  if (assessment.findings.length > 0) {
    blocks.push({ kind: 'list', items: assessment.findings.map(findingItem) });
  }
  const notes = [...flagSentences(assessment), ...remarkSentences(assessment), ...odometerSentence(assessment)];
  if (notes.length > 0) {
    blocks.push({ kind: 'list', items: notes });
  }
  if (assessment.assessable) {
    blocks.push(paragraph([...coverageSentences(assessment), LIMITS].join(' ')));
  }
  const faults = photoSentences(assessment);
  if (faults.length > 0) {
    blocks.push(paragraph(faults.join(' ')));
  }
  return { blocks };
}

function paragraph(text: string): DescriptionBlock {
  return { kind: 'paragraph', text };
}

function summary(assessment: Assessment): string {
  const { findings, damage_areas, coverage } = assessment;
  if (!assessment.assessable) {
    return NOTHING_USABLE;
  }
  if (findings.length === 0) {
    if (codesOf(LOT_FLAGS).some((flag) => assessment.flags[flag].value === true))
      return 'The photos show the following.';
    if (assessment.unconfirmed) return 'A further damage is possible and could not be confirmed.';
    const shown = areasWith(coverage.areas, 'no_visible_damage', 'uncertain').map(areaName);
    return shown.length === 0
      ? 'No damage is visible in the photos, which show details of the vehicle only.'
      : `No damage is visible in the photos, which show the following: ${joined(shown)}.`;
  }
  const counts = (['severe', 'moderate', 'minor', 'unknown'] as const)
    .map((severity) => ({ severity, count: findings.filter((finding) => finding.severity === severity).length }))
    .filter(({ count }) => count > 0)
    .map(({ severity, count }) => (severity === 'unknown' ? `${count} of unclear severity` : `${count} ${severity}`));
  const total = findings.length === 1 ? '1 damage finding' : `${findings.length} damage findings`;
  const { primary, secondary } = damage_areas;
  const where = primary === null ? '' : ` Main damage: ${[primary, secondary].filter(Boolean).join('; ')}.`;
  return `The photos show ${total}: ${counts.join(', ')}.${where}`;
}

/** `Left front door: dent, severe. Pushed in below the handle. Photos 2, 3.` */
function findingItem(finding: Finding): string {
  const unsure = finding.confidence === 'low' ? 'possible ' : '';
  const head = `${placeName(finding)}: ${unsure}${DAMAGE_TYPES[finding.type].name}, ${SEVERITIES[finding.severity].name}`;
  const words = finding.description === null ? '' : ` ${sentence(finding.description)}`;
  return `${sentence(head)}${words} ${photosSentence(finding.photos)}`;
}

function flagSentences({ flags }: Assessment): readonly string[] {
  return codesOf(LOT_FLAGS)
    .filter((flag) => flags[flag].value === true)
    .map((flag) => `${LOT_FLAGS[flag].sentence}. ${photosSentence(flags[flag].photos)}`);
}

function remarkSentences({ remarks }: Assessment): readonly string[] {
  return remarks.map(({ text, photo }) => `${sentence(text)} ${photosSentence([photo])}`);
}

/** Of the readings only the mileage: a VIN and a plate identify an owner and stay in the structured rows. */
function odometerSentence({ readings: { odometer } }: Assessment): readonly string[] {
  return odometer === null ? [] : [`Odometer reading: ${odometer.value}. ${photosSentence([odometer.photo])}`];
}

function coverageSentences({ coverage, not_visible }: Assessment): readonly string[] {
  const uncertain = areasWith(coverage.areas, 'uncertain').map(areaName);
  return [
    ...(uncertain.length === 0 ? [] : [`Only partly visible: ${joined(uncertain)}.`]),
    ...(not_visible.length === 0 ? [] : [`Not visible in the photos: ${joined(not_visible.map(areaName))}.`]),
  ];
}

function photoSentences({ photos }: Assessment): readonly string[] {
  return photos.flatMap((photo) => {
    const faults = photo.issues.map((issue) => PHOTO_ISSUES[issue].name);
    if (photo.view === 'unusable' && faults.length === 0) {
      return [`Photo ${photo.number} cannot be used.`];
    }
    return faults.length === 0 ? [] : [`Photo ${photo.number} ${joined(faults)}.`];
  });
}

function photosSentence(photos: readonly PhotoRef[]): string {
  const numbers = photos.map(({ number }) => number).join(', ');
  return photos.length === 1 ? `Photo ${numbers}.` : `Photos ${numbers}.`;
}

function areaName(area: Area): string {
  return AREAS[area].name;
}

function joined(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** A capital at the front and a full stop at the end. */
function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
