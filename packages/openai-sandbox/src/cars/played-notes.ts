/**
 * The sentences that the simulation writes on the look of a damage, with their translations: a text in which they stand reads as one
 * would be published. The last is one that is always translated wrongly.
 */
export interface PlayedNote {
  readonly note: string;
  /** By language, with the region or the script where it is another than the language's usual one. */
  readonly translations: Readonly<Record<string, string>>;
}

const SURFACE: PlayedNote = {
  note: 'The surface stands out from what is around it.',
  translations: {
    ar: 'السطح يختلف عما حوله.',
    cs: 'Povrch se liší od svého okolí.',
    de: 'Die Oberfläche hebt sich von ihrer Umgebung ab.',
    es: 'La superficie se distingue de lo que la rodea.',
    fi: 'Pinta erottuu ympäristöstään.',
    fr: 'La surface se distingue de ce qui l’entoure.',
    it: 'La superficie si distingue da ciò che la circonda.',
    ja: '表面が周囲と違って見える。',
    lt: 'Paviršius išsiskiria iš aplinkos.',
    nl: 'Het oppervlak steekt af tegen de omgeving.',
    pl: 'Powierzchnia odróżnia się od otoczenia.',
    pt: 'A superfície destaca-se do que a rodeia.',
    'pt-BR': 'A superfície se destaca do que a cerca.',
    ro: 'Suprafața se deosebește de ce o înconjoară.',
    ru: 'Поверхность выделяется на фоне окружающей.',
    tr: 'Yüzey çevresinden ayrılıyor.',
    uk: 'Поверхня вирізняється на тлі навколишньої.',
    zh: '表面与周围有明显差异。',
    'zh-Hant': '表面與周圍有明顯差異。',
  },
};

const PRESSED: PlayedNote = {
  note: 'Pressed inward along a soft line.',
  translations: {
    ar: 'مضغوط إلى الداخل على امتداد خط ناعم.',
    cs: 'Promáčknuto dovnitř podél měkké linie.',
    de: 'Entlang einer weichen Linie eingedrückt.',
    es: 'Hundido a lo largo de una línea suave.',
    fi: 'Painunut sisään pehmeää linjaa pitkin.',
    fr: 'Enfoncé le long d’une ligne douce.',
    it: 'Spinto verso l’interno lungo una linea morbida.',
    ja: 'なだらかな線に沿って内側に押し込まれている。',
    lt: 'Įspaustas į vidų išilgai švelnios linijos.',
    nl: 'Naar binnen gedrukt langs een zachte lijn.',
    pl: 'Wciśnięte do środka wzdłuż łagodnej linii.',
    pt: 'Empurrado para dentro ao longo de uma linha suave.',
    'pt-BR': 'Empurrado para dentro ao longo de uma linha suave.',
    ro: 'Împins înăuntru de-a lungul unei linii moi.',
    ru: 'Вдавлено внутрь вдоль плавной линии.',
    tr: 'Yumuşak bir hat boyunca içeri bastırılmış.',
    uk: 'Втиснуто всередину вздовж плавної лінії.',
    zh: '沿一条柔和的线向内压入。',
    'zh-Hant': '沿一條柔和的線向內壓入。',
  },
};

const PALE_LINE: PlayedNote = {
  note: 'A pale line in the paint.',
  translations: {
    ar: 'خط فاتح في الطلاء.',
    cs: 'Světlá čára v laku.',
    de: 'Eine helle Linie im Lack.',
    es: 'Una línea clara en la pintura.',
    fi: 'Vaalea viiva maalissa.',
    fr: 'Une ligne claire dans la peinture.',
    it: 'Una linea chiara nella vernice.',
    ja: '塗装に薄い色の線がある。',
    lt: 'Šviesi linija dažuose.',
    nl: 'Een bleke lijn in de lak.',
    pl: 'Jasna linia w lakierze.',
    pt: 'Uma linha clara na pintura.',
    'pt-BR': 'Uma linha clara na pintura.',
    ro: 'O linie deschisă în vopsea.',
    ru: 'Светлая линия на краске.',
    tr: 'Boyada açık renkli bir çizgi.',
    uk: 'Світла лінія на фарбі.',
    zh: '漆面上有一道浅色细线。',
    'zh-Hant': '漆面上有一道淺色細線。',
  },
};

const VEINS: PlayedNote = {
  note: 'The line branches in fine veins.',
  translations: {
    ar: 'الخط يتفرع إلى عروق دقيقة.',
    cs: 'Čára se větví do jemných žilek.',
    de: 'Die Linie verzweigt sich in feinen Adern.',
    es: 'La línea se ramifica en vetas finas.',
    fi: 'Viiva haarautuu hienoiksi juoniksi.',
    fr: 'La ligne se ramifie en fines veines.',
    it: 'La linea si ramifica in sottili venature.',
    ja: '線が細かく枝分かれしている。',
    lt: 'Linija šakojasi į smulkias gysleles.',
    nl: 'De lijn vertakt zich in fijne aderen.',
    pl: 'Linia rozgałęzia się w drobne żyłki.',
    pt: 'A linha ramifica-se em veios finos.',
    'pt-BR': 'A linha se ramifica em veios finos.',
    ro: 'Linia se ramifică în vinișoare fine.',
    ru: 'Линия ветвится тонкими прожилками.',
    tr: 'Çizgi ince damarlara ayrılıyor.',
    uk: 'Лінія розгалужується тонкими прожилками.',
    zh: '线条分叉成细纹。',
    'zh-Hant': '線條分叉成細紋。',
  },
};

const FLAKES: PlayedNote = {
  note: 'The paint lifts in flakes.',
  translations: {
    ar: 'الطلاء يرتفع على شكل قشور.',
    cs: 'Lak se zvedá v šupinách.',
    de: 'Der Lack hebt sich in Schuppen ab.',
    es: 'La pintura se levanta en escamas.',
    fi: 'Maali nousee hilseenä.',
    fr: 'La peinture se soulève par écailles.',
    it: 'La vernice si solleva in scaglie.',
    ja: '塗膜が鱗のように浮いている。',
    lt: 'Dažai keliasi žvyneliais.',
    nl: 'De lak komt in schilfers omhoog.',
    pl: 'Lakier odstaje płatami.',
    pt: 'A pintura levanta em escamas.',
    'pt-BR': 'A pintura se levanta em escamas.',
    ro: 'Vopseaua se ridică în solzi.',
    ru: 'Краска поднимается чешуйками.',
    tr: 'Boya pul pul kalkıyor.',
    uk: 'Фарба підіймається лусочками.',
    zh: '漆层呈片状翘起。',
    'zh-Hant': '漆層呈片狀翹起。',
  },
};

/** Translated as no note may be: with a side, a negation, a number, in another language; anywhere else with a photo's number. */
const GLOSS: PlayedNote = {
  note: 'The gloss is lost in an oval patch.',
  translations: {
    de: 'Links ist der Glanz in einem ovalen Bereich verloren.',
    fr: 'Il n’y a pas de brillant sur une zone ovale.',
    ru: 'Блеск утрачен в трёх овальных местах.',
    uk: 'Блеск утрачен на овальном участке.',
    pl: 'Der Glanz ist in einem ovalen Bereich verloren.',
    ja: '光泽在椭圆形区域消失。',
    tr: 'Kaza sonucu oval bir alanda parlaklık kaybolmuş.',
    es: 'El brillo se ha perdido en una zona ovalada. Por lo demás, perfecto.',
  },
};

export const PLAYED_NOTES: readonly PlayedNote[] = [SURFACE, PRESSED, PALE_LINE, VEINS, FLAKES];
export const WRONGLY_TRANSLATED: PlayedNote = GLOSS;

const BY_TYPE: Readonly<Record<string, PlayedNote>> = {
  dent: PRESSED,
  deformation: PRESSED,
  hail_dents: PRESSED,
  scratch: PALE_LINE,
  scuff: PALE_LINE,
  crack: VEINS,
  shattered_glass: VEINS,
  glass_chip: VEINS,
  corrosion: FLAKES,
  paint_peeling: FLAKES,
};

/** What the simulation says of a damage of this type. */
export function playedNote(type: string): string {
  return (BY_TYPE[type] ?? SURFACE).note;
}

const BY_NOTE = new Map([...PLAYED_NOTES, GLOSS].map((played) => [played.note, played]));

/** The translation of one of the simulation's own sentences; undefined where there is none. */
export function translatedNote(text: string, tag: string): string | undefined {
  const played = BY_NOTE.get(text);
  if (played === undefined) return undefined;
  const found = tagsOf(tag).find((known) => Object.hasOwn(played.translations, known));
  if (found !== undefined) return played.translations[found];
  return played === GLOSS ? `Photo 7: ${text}` : undefined;
}

/** The tag itself, with its script where that is another than the usual one, and its language alone. */
function tagsOf(tag: string): readonly string[] {
  try {
    const { language, region, script } = new Intl.Locale(tag).maximize();
    const traditional = script === 'Hant' ? [`${language}-Hant`] : [];
    return [tag, `${language}-${region}`, ...traditional, ...(script === 'Hant' ? [] : [language])];
  } catch {
    return [tag];
  }
}
