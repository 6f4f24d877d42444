import { AREAS, DAMAGE_TYPES, PARTS, SEVERITIES, type DamageType } from '../taxonomy.js';
import { wordList, type WordList } from './word-list.js';

/**
 * What an English note may not say, because the row says it, or because no photo shows it. The same words in other languages are
 * the glossaries' (`note_words`); these are more, because a note that is refused here is in no language.
 */
export type NoteTopic =
  | 'side'
  | 'end'
  | 'part'
  | 'severity'
  | 'size'
  | 'number'
  | 'photo'
  | 'negation'
  | 'praise'
  | 'working'
  | 'money'
  | 'cause'
  | 'person'
  | 'identity'
  | 'advice'
  | 'type'
  | 'filler';

const SIDES = 'left right nearside offside side sides driver driverside passenger';
const ENDS = 'front rear back forward forwards backward backwards behind ahead';
const SEVERITY =
  'slight slightly light lightly heavy heavily serious seriously major bad badly extensive extensively extreme extremely massive massively superficial superficially critical negligible intense severity severely severe moderate moderately minor';
const SIZES =
  'large larger big bigger small smaller tiny huge long longer short shorter wide wider narrow length width depth size sized inch inches foot feet metre metres meter meters centimetre centimetres centimeter centimeters millimetre millimetres millimeter millimeters cm mm approx approximately coin palm fist hand entire entirely whole wholly';
const NUMBERS =
  'zero one ones two three four five six seven eight nine ten eleven twelve thirteen fifteen twenty thirty forty fifty dozen dozens hundred hundreds thousand thousands million first second third fourth once twice thrice single double triple both half halves quarter pair pairs couple several many few multiple numerous various some percent number numbers';
const PHOTOS =
  'photo photograph picture image images pic pics shot shots view views camera snapshot zoom close-up closeup';
const NEGATIONS =
  "no not nor non none never nothing neither nobody nowhere without cannot can't won't isn aren wasn weren hasn haven hadn doesn don didn shouldn wouldn couldn free absen lack except undamaged unmarked unharmed unaffected unable unclear unknown untouched intact hardly barely scarcely nil na";
const PRAISE =
  'perfect excellent superb great good best better nice lovely beautiful immaculate pristine flawless mint clean tidy well new newer reliable rare bargain opportunity ok okay solid sound decent fair acceptable recommended quality premium luxury attractive original genuine';
/** "Fine" alone is thin as well. */
const PRAISE_IN_WORDS = ['is fine', 'looks fine', 'are fine', 'look fine', 'fine condition', 'as fine'];
const WORKING =
  'work works worked working function functions functional functioning operate operates operating operational operative drive drives drivable driveable start starts closes opens normal normally intended usual usually order condition safe safely';
const MONEY =
  'price cost bucks buck cheap expensive value worth money euro euros dollar dollars pound pounds usd eur gbp quote invoice estimate estimated budget pay paid fee discount repair repairs repaired repairable repairing replace replaced replacement respray resprayed polish polished fix fixed fixable write-off';
const CAUSES =
  'accident crash crashed collision collided impact hit hits struck strike cause because due result resulting owing vandal vandals vandalised vandalized vandalism keyed theft stolen neglect careless attack fight caused reason likely probably presumably apparently maybe perhaps possibly suggests suggesting indicates indicating consistent pole wall post kerb curb tree animal deer trolley truck lorry bicycle pedestrian gravel debris flood fire hail storm';
const PERSONS =
  'seller vendor owner owned buyer customer dealer dealership mechanic garage workshop expert inspector man men woman women boy girl child children kid kids person people someone somebody anybody everybody guy lady gentleman family mr mrs ms he she him her his hers i me my mine we us our ours you your yours who whose passenger driver police insurer insurance listing advert advertised described stated claims claimed';
const IDENTITY =
  'vin plate plates registration registered chassis serial licence license brand badge logo make model year mileage odometer kilometre kilometres kilometer kilometers km mile miles bmw audi ford opel toyota honda volvo mercedes volkswagen vw renault peugeot fiat skoda seat nissan mazda kia hyundai tesla';
const ADVICE =
  'should must need needs needed require requires required recommend recommends suggest advise check checked inspect inspection please contact call sorry help buy bid offer sale sold sell warrant warranty guarantee guaranteed note notes';
const FILLERS =
  'lorem ipsum dolor example sample test placeholder tbd todo unspecified ditto same above below mentioned elsewhere otherwise rest sticker stickers other others another also additional additionally further';
/** What people call parts besides the names that the lists have. */
const PARTS_BESIDES =
  'bumper bonnet hood grille grill fender wing wings door doors panel panels sill sills rocker roof pillar tailgate liftgate hatch trunk boot spoiler moulding molding trim mirror handle flap headlight headlights headlamp lamp lamps taillight light lights bulb lens indicator windscreen windshield window windows sunroof wiper wheel wheels rim rims alloy alloys tyre tyres tire tires hubcap underbody exhaust muffler engine seat seats upholstery steering dashboard dash console headliner headlining ceiling carpet airbag airbags arch liner mudguard suspension tank radiator battery radio screen display glovebox lever headrest belt visor fairing fork handlebar saddle antenna aerial sensor towbar bodywork car vehicle interior exterior undercarriage chassis frame axle hinge latch lock hub caliper signal splash guard hitch glove shifter bed bay top bar rail rails';
/** Nouns and verbs of each kind of damage: another than the row's would be a damage that no row has. */
const TYPE_WORDS: Readonly<Record<string, { readonly words: string; readonly types: readonly DamageType[] }>> = {
  scratch: { words: 'scratch scratches scratched scratching', types: ['scratch', 'scuff', 'curb_rash'] },
  scuff: { words: 'scuff scuffs scuffed scuffing', types: ['scratch', 'scuff', 'curb_rash'] },
  chip: { words: 'chip chips chipped chipping', types: ['paint_chip', 'glass_chip'] },
  stain: { words: 'stain stains stained', types: ['stain'] },
  rust: { words: 'rust rusty rusted rusting corrosion corroded corroding', types: ['corrosion'] },
  dent: { words: 'dent dents dented ding dings dinged', types: ['dent', 'hail_dents', 'deformation'] },
  crack: {
    words: 'crack cracks cracked cracking fracture fractured',
    types: ['crack', 'broken', 'glass_chip', 'shattered_glass'],
  },
  broken: { words: 'broken broke smashed shattered', types: ['broken', 'shattered_glass'] },
  hole: { words: 'hole holes holed puncture punctured pierced', types: ['hole', 'tear', 'corrosion'] },
  tear: { words: 'tear tears torn rip rips ripped', types: ['tear', 'broken', 'detached', 'hole'] },
  missing: { words: 'missing gone stolen', types: ['missing_part'] },
  detached: { words: 'detached fallen', types: ['detached', 'missing_part'] },
  flat: { words: 'deflated', types: ['flat_tyre'] },
  burn: { words: 'burn burns burnt burned scorched charred', types: ['burn'] },
  leak: { words: 'leak leaks leaked leaking', types: ['fluid_leak'] },
  deployed: { words: 'deployed', types: ['airbag_deployed'] },
};

const ENGLISH = { locale: 'en', script: 'Latn' } as const;

function words(list: string): readonly string[] {
  return list.split(' ');
}

function names(list: Readonly<Record<string, { readonly name: string }>>): readonly string[] {
  return Object.values(list).map(({ name }) => name);
}

/** Every word by itself: as stems, "part" would find "partly", and "sea" whatever begins so. */
const wholeWords = (...lists: (readonly string[])[]) => wordList(lists.flat(), ENGLISH, 'words');

const TOPICS: readonly (readonly [NoteTopic, WordList])[] = [
  ['side', wholeWords(words(SIDES))],
  ['end', wholeWords(words(ENDS))],
  ['part', wholeWords(words(PARTS_BESIDES), names(PARTS), names(AREAS), ['part', 'parts'])],
  ['severity', wholeWords(words(SEVERITY), names(SEVERITIES))],
  ['size', wholeWords(words(SIZES))],
  ['number', wholeWords(words(NUMBERS))],
  ['photo', wordList(words(PHOTOS), ENGLISH)],
  ['negation', wordList(words(NEGATIONS), ENGLISH)],
  ['praise', wholeWords(words(PRAISE), PRAISE_IN_WORDS)],
  ['working', wholeWords(words(WORKING))],
  ['money', wordList(words(MONEY), ENGLISH)],
  ['cause', wholeWords(words(CAUSES))],
  ['person', wholeWords(words(PERSONS))],
  ['identity', wholeWords(words(IDENTITY))],
  ['advice', wholeWords(words(ADVICE))],
  ['filler', wholeWords(words(FILLERS))],
];

const OTHER_TYPES: ReadonlyMap<DamageType, WordList> = new Map(
  (Object.keys(DAMAGE_TYPES) as DamageType[]).map((type) => {
    const others = Object.values(TYPE_WORDS).filter(({ types }) => !types.includes(type));
    return [type, wholeWords(others.flatMap(({ words: list }) => words(list)))];
  }),
);

/**
 * What an English note says that it may not; null where it says nothing of the kind.
 * @param type - its row's: another damage than that is one that no row has
 */
export function forbiddenTopic(note: string, type: DamageType): NoteTopic | null {
  const topic = TOPICS.find(([, list]) => list.find(note) !== null);
  if (topic !== undefined) return topic[0];
  return OTHER_TYPES.get(type)?.find(note) == null ? null : 'type';
}

/** The types whose words a note on this type may use: its own, and those that are the same thing in other words. */
export function relatedTypes(type: DamageType): ReadonlySet<DamageType> {
  return new Set([type, ...Object.values(TYPE_WORDS).flatMap(({ types }) => (types.includes(type) ? types : []))]);
}
