/**
 * Numbers as words, by language: no note has one, so a translation with one says more than its source. "One" is left out, which is
 * an article in many languages. Languages that are not here are judged by digits alone.
 */
const NUMBER_WORDS: Readonly<Record<string, string>> = {
  ar: 'اثنان اثنين اثنتان اثنتين ثلاث ثلاثة أربع أربعة خمس خمسة ست ستة سبع سبعة ثمانية تسعة عشرة مئة مائة ألف',
  cs: 'dva dvě dvou tři čtyři pět šest sedm osm devět deset sto tisíc oba obě několik',
  de: 'zwei drei vier fünf sechs sieben acht neun zehn zwölf hundert tausend beide beiden mehrere einige viele dutzend',
  en: 'two three four five six seven eight nine ten twelve hundred thousand both several many',
  es: 'dos tres cuatro cinco seis siete ocho nueve diez cien ciento mil ambos ambas varios varias muchos muchas',
  fr: 'deux trois quatre cinq six sept huit neuf dix cent mille plusieurs',
  it: 'due tre quattro cinque sei sette otto nove dieci cento mille entrambi entrambe diversi diverse molti molte',
  ja: '二つ 三つ 四つ 五つ 二本 三本 二箇所 三箇所 二か所 三か所 複数 数箇所 数か所 多数',
  lt: 'du dvi trys keturi penki šeši septyni aštuoni devyni dešimt šimtas tūkstantis abu abi keli kelios',
  nl: 'twee drie vier vijf zes zeven acht negen tien honderd duizend beide meerdere verschillende vele',
  pl: 'dwa dwie dwóch trzy trzech cztery pięć sześć siedem osiem dziewięć dziesięć sto tysiąc oba obie kilka wiele',
  pt: 'dois duas três quatro cinco seis sete oito nove dez cem cento mil ambos ambas vários várias muitos muitas',
  ro: 'doi două trei patru cinci șase șapte opt nouă zece sută mie ambele ambii multe câteva',
  ru: 'два две двух три трёх трех четыре пять шесть семь восемь девять десять сто тысяча оба обе несколько много',
  tr: 'iki üç dört beş altı yedi sekiz dokuz yüz bin birkaç birçok',
  uk: 'два дві двох три трьох чотири п’ять шість сім вісім дев’ять десять сто тисяча обидва обидві кілька багато',
  zh: '两处 兩處 两个 兩個 两条 兩條 三处 三處 三个 三個 三条 三條 多处 多處 多个 多個 多条 多條 几处 幾處',
};

/** The list of a language, empty where there is none. */
export function numberWords(language: string): readonly string[] {
  return Object.hasOwn(NUMBER_WORDS, language) ? (NUMBER_WORDS[language] ?? '').split(' ') : [];
}
