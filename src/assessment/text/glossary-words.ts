/**
 * Entries that read as in English in many languages of the Latin script, so that finding them there is no sign of a text left
 * in English. A shipped glossary that holds more names them itself (`as_in_english`).
 */
export const INTERNATIONAL: ReadonlySet<string> = new Set([
  'parts.airbag',
  'parts.antenna',
  'parts.camera',
  'parts.radiator',
  'parts.spoiler',
  'vehicle.kinds.van',
  'vehicle.bodies.coupe',
  'vehicle.bodies.hatchback',
  'vehicle.bodies.minibus',
  'vehicle.bodies.pickup',
  'vehicle.bodies.suv',
  'vehicle.colours.beige',
  'vehicle.colours.gold',
  'vehicle.colours.orange',
  'vehicle.colours.silver',
  'vehicle.km',
  'photos.one',
  'photos.many',
]);

/** Words that are written in Latin letters in every script. */
export const LATIN_EVERYWHERE: ReadonlySet<string> = new Set(['SUV', 'MPV', 'LED', 'ABS', 'km', 'mi']);

/** Characters that are written in one of the two Chinese scripts only, of those that the trade uses. */
export const ONLY_SIMPLIFIED = /[车门灯轮镜损伤轻严离见画张动开关顶侧两图这无发饰围标电盘贴过检认确]/u;
export const ONLY_TRADITIONAL = /[車門燈輪鏡損傷輕嚴離見畫張動開關頂側兩圖這無發飾圍標電盤貼過檢認確]/u;
