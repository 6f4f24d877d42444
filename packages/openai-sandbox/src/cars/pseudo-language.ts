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
  Geor: 'აბკდეფგჰიჯკლმნოპქრსტუვუხიზ',
  Armn: 'աբկդեֆգհիջկլմնոպքրստուվխյզ',
  Kore: '아바카다에파가하이자카라마나오파카라사타우바와카야자',
  Jpan: 'アバカダエフガハイジケラミノオポクルセツウヴワシヤズ',
  Hans: '车身前后左右门灯窗轮漆面板痕凹裂损伤小中大处见有无在',
  Hant: '車身前後左右門燈窗輪漆面板痕凹裂損傷小中大處見有無在',
};

/** Scripts without an alphabet above: the first 26 letters from this code point on. */
const FIRST_LETTER: Readonly<Record<string, number>> = {
  Beng: 0x0995,
  Ethi: 0x1200,
  Gujr: 0x0a95,
  Guru: 0x0a15,
  Khmr: 0x1780,
  Knda: 0x0c95,
  Laoo: 0x0e81,
  Mlym: 0x0d15,
  Mong: 0x1820,
  Mymr: 0x1000,
  Orya: 0x0b15,
  Sinh: 0x0d9a,
  Taml: 0x0b85,
  Telu: 0x0c15,
  Thai: 0x0e01,
};

/** The usual script of each language that is not written in Latin letters. */
const SCRIPT: Readonly<Record<string, string>> = {
  ...languages('Cyrl', 'be bg kk ky mk mn ru sr tg tt uk'),
  ...languages('Arab', 'ar ckb fa ps sd ug ur'),
  ...languages('Hebr', 'he yi'),
  ...languages('Deva', 'hi mr ne'),
  ...languages('Beng', 'as bn'),
  ...languages('Ethi', 'am ti'),
  ...languages('Hans', 'zh'),
  el: 'Grek',
  gu: 'Gujr',
  hy: 'Armn',
  ja: 'Jpan',
  ka: 'Geor',
  km: 'Khmr',
  kn: 'Knda',
  ko: 'Kore',
  lo: 'Laoo',
  ml: 'Mlym',
  my: 'Mymr',
  or: 'Orya',
  pa: 'Guru',
  si: 'Sinh',
  ta: 'Taml',
  te: 'Telu',
  th: 'Thai',
};

/**
 * A stand-in for the translation of `text`: marked as simulated, in the right script, with numbers, punctuation and
 * what is already in another script untouched. For Latin scripts the words stay English.
 * @param tag - BCP 47
 */
export function pseudoTranslate(text: string, tag: string): string {
  const { prefix, letters } = styleOf(tag);
  return `${prefix}: ${letters === null ? text : inLetters(text, letters)}`;
}

/** Words without the mark, for a glossary: names in braces stay, and Latin words become words of no language. */
export function pseudoWords(text: string, tag: string): string {
  const { letters } = styleOf(tag);
  const write = (words: string) => (letters === null ? withOtherVowels(words) : inLetters(plain(words), letters));
  return text
    .split(/(\{[a-z_]+\})/)
    .map((piece) => (piece.startsWith('{') ? piece : write(piece)))
    .join('');
}

/** `coupé` has a letter that the other scripts' tables lack. */
function plain(words: string): string {
  return words.normalize('NFD').replaceAll(/\p{Mn}/gu, '');
}

const VOWELS = 'aeiou';

/** Each vowel by the next: two words that differ still do. */
function withOtherVowels(words: string): string {
  return words.replaceAll(/[aeiou]/gi, (vowel) => {
    const next = VOWELS[(VOWELS.indexOf(vowel.toLowerCase()) + 1) % VOWELS.length] ?? vowel;
    return vowel === vowel.toLowerCase() ? next : next.toUpperCase();
  });
}

interface Style {
  readonly prefix: string;
  readonly letters: readonly string[] | null;
}

const styles = new Map<string, Style>();

/** Looked up once for each tag: a batch asks for the same few hundreds of thousands of times. */
function styleOf(tag: string): Style {
  const known = styles.get(tag);
  if (known !== undefined) return known;
  const { language, script } = subtagsOf(tag);
  const usual = SCRIPT[language] ?? 'Latn';
  const letters = lettersOf(script ?? usual);
  const word = script === undefined || script === usual ? WORD[language] : undefined;
  const prefix = word ?? (letters === null ? `Simulated (${tag})` : inLetters('simulated', letters));
  const style = { prefix, letters };
  if (styles.size < 1000) styles.set(tag, style);
  return style;
}

/** In the registry's present form: `iw` is Hebrew too. */
function subtagsOf(tag: string): { language: string; script: string | undefined } {
  try {
    const { language, script } = new Intl.Locale(tag);
    return { language, script };
  } catch {
    return { language: tag.toLowerCase(), script: undefined };
  }
}

const made = new Map<string, readonly string[]>();

/** null for Latin, and for a script that is not known. */
function lettersOf(script: string): readonly string[] | null {
  const known = made.get(script);
  if (known !== undefined) return known;
  const alphabet = ALPHABET[script];
  const first = FIRST_LETTER[script];
  if (alphabet === undefined && first === undefined) return null;
  const letters = alphabet === undefined ? lettersFrom(first ?? 0) : Array.from(alphabet);
  made.set(script, letters);
  return letters;
}

function lettersFrom(first: number): string[] {
  const letters: string[] = [];
  for (let code = first; letters.length < 26; code++) {
    const letter = String.fromCodePoint(code);
    if (/\p{Lo}/u.test(letter)) letters.push(letter);
  }
  return letters;
}

/** Words with a digit in them (`4x4`, a VIN) are names and stay. */
function inLetters(text: string, letters: readonly string[]): string {
  return text.replaceAll(/(?<![A-Za-z\d])[A-Za-z]+(?![A-Za-z\d])/g, (word) =>
    Array.from(word, (letter) => letters[letter.toLowerCase().charCodeAt(0) - 97] ?? letter).join(''),
  );
}

function languages(script: string, codes: string): Record<string, string> {
  return Object.fromEntries(codes.split(' ').map((code) => [code, script]));
}
