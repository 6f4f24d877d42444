/**
 * "Simulated" in the target language, so that a reader of any of these sees it at once. Languages that are not here
 * get the English word with their tag.
 */
const WORD: Readonly<Record<string, string>> = {
  ar: 'محاكاة',
  be: 'Сімуляцыя',
  bg: 'Симулация',
  bn: 'সিমুলেশন',
  cs: 'Simulace',
  da: 'Simulering',
  de: 'Simuliert',
  el: 'Προσομοίωση',
  es: 'Simulación',
  et: 'Simulatsioon',
  fa: 'شبیه‌سازی',
  fi: 'Simulaatio',
  fr: 'Simulé',
  he: 'סימולציה',
  hi: 'सिमुलेशन',
  hr: 'Simulacija',
  hu: 'Szimuláció',
  hy: 'Սիմուլյացիա',
  it: 'Simulato',
  ja: 'シミュレーション',
  ka: 'სიმულაცია',
  kk: 'Симуляция',
  ko: '시뮬레이션',
  lt: 'Simuliacija',
  lv: 'Simulācija',
  nl: 'Gesimuleerd',
  no: 'Simulering',
  nb: 'Simulering',
  pl: 'Symulacja',
  pt: 'Simulado',
  ro: 'Simulat',
  ru: 'Симуляция',
  sk: 'Simulácia',
  sl: 'Simulacija',
  sr: 'Симулација',
  sv: 'Simulerat',
  th: 'การจำลอง',
  tr: 'Simülasyon',
  uk: 'Симуляція',
  vi: 'Mô phỏng',
  zh: '模拟',
};

/** One character for each of a to z: a text in it cannot be read, but it is in the right script. */
const ALPHABET: Readonly<Record<string, string>> = {
  Cyrl: 'абкдефгхийклмнопкрстувшкиз',
  Grek: 'αβκδεφγηιζκλμνοπκρστυβωξυζ',
  Arab: 'ابكدهفغحيجكلمنوبقرستوفوخيز',
  Hebr: 'אבכדהפגחיזקלמנופקרסתוופחיז',
  Deva: 'अबकदएफगहइजकलमनओपकरसतउवयखयज',
  Beng: 'অবকদএফগহইজকলমনওপকরসতউভযখযজ',
  Thai: 'อบคดเฟกหษจคลมนโพกรสตอวยขยซ',
  Geor: 'აბკდეფგჰიჯკლმნოპქრსტუვუხიზ',
  Armn: 'աբկդեֆգհիջկլմնոպքրստուվխյզ',
  Hang: '아바카다에파가하이자카라마나오파카라사타우바와카야자',
  Jpan: 'アバカダエフガハイジケラミノポクルセツウヴワシヤズ',
  Hans: '车身前后左右门灯窗轮漆面板痕凹裂损伤小中大处见有无在',
};

const SCRIPT: Readonly<Record<string, string>> = {
  ...languages('Cyrl', 'ab ba be bg ce cv kk ky mk mn os ru sr tg tt udm uk'),
  ...languages('Arab', 'ar ckb fa ps sd ug ur'),
  ...languages('Hebr', 'he iw yi'),
  ...languages('Deva', 'bho hi kok mai mr ne sa'),
  ...languages('Beng', 'as bn'),
  ...languages('Jpan', 'ja'),
  ...languages('Hang', 'ko'),
  ...languages('Hans', 'yue zh'),
  ...languages('Grek', 'el'),
  ...languages('Thai', 'th'),
  ...languages('Geor', 'ka'),
  ...languages('Armn', 'hy'),
};

const SCRIPT_SUBTAG: Readonly<Record<string, string>> = { Hant: 'Hans', Kore: 'Hang', Hira: 'Jpan', Kana: 'Jpan' };

/**
 * A stand-in for the translation of `text`: marked as simulated, in the right script, with numbers, punctuation and
 * what is already in another script untouched. For Latin scripts the words stay English.
 * @param tag - BCP 47
 */
export function pseudoTranslate(text: string, tag: string): string {
  const [language = '', ...subtags] = tag.split('-');
  const code = language.toLowerCase();
  const named = subtags.find((subtag) => /^[A-Za-z]{4}$/.test(subtag));
  const script = named === undefined ? SCRIPT[code] : (SCRIPT_SUBTAG[titleCase(named)] ?? titleCase(named));
  const letters = ALPHABET[script ?? 'Latn'];
  const word = named === undefined || script === SCRIPT[code] ? WORD[code] : undefined;
  const prefix = word ?? (letters === undefined ? `Simulated (${tag})` : inLetters('simulated', letters));
  return `${prefix}: ${letters === undefined ? text : inLetters(text, letters)}`;
}

function inLetters(text: string, letters: string): string {
  const list = Array.from(letters);
  return text.replace(/[A-Za-z]/g, (letter) => list[letter.toLowerCase().charCodeAt(0) - 97] ?? letter);
}

function titleCase(subtag: string): string {
  return subtag.charAt(0).toUpperCase() + subtag.slice(1).toLowerCase();
}

function languages(script: string, codes: string): Record<string, string> {
  return Object.fromEntries(codes.split(' ').map((code) => [code, script]));
}
