/** The views of a sample car that are drawn. `left` and `right` are the vehicle's own sides. */
export const DRAWN_VIEWS = ['left', 'front', 'right', 'rear'] as const;
export type DrawnView = (typeof DRAWN_VIEWS)[number];

const WIDTH = 960;
const HEIGHT = 640;
const LINE = '#1c1f22';
const GLASS = '#27323a';

/** A car seen from its right side: then its front is on the right of the picture. The left side is the mirror image. */
const flank = (paint: string) => `
  <path d="M92 452 q-6 -98 88 -112 l118 -20 q92 -122 214 -122 h62 q118 0 178 124 l112 26 q24 10 22 104 z"
    fill="${paint}" stroke="${LINE}" stroke-width="5"/>
  <path d="M330 318 q72 -92 176 -94 v94 z M524 224 h52 q86 4 132 94 h-184 z" fill="${GLASS}"/>
  <path d="M515 210 v236 M318 326 q-16 60 6 120 M716 328 q14 62 -4 118" stroke="${LINE}" stroke-width="3" fill="none"/>
  <path d="M340 346 h44 M540 346 h44" stroke="${LINE}" stroke-width="7" stroke-linecap="round"/>
  <path d="M690 322 q4 -26 34 -24 l2 24 z" fill="${paint}" stroke="${LINE}" stroke-width="3"/>
  <rect x="826" y="350" width="52" height="40" rx="10" fill="#f4f0c8" stroke="${LINE}" stroke-width="3"/>
  <rect x="96" y="352" width="34" height="44" rx="8" fill="#b3261e" stroke="${LINE}" stroke-width="3"/>
  ${[246, 740].map((x) => `<circle cx="${x}" cy="462" r="70" fill="#15171a"/><circle cx="${x}" cy="462" r="38" fill="#b9bec3"/>`).join('')}`;

/** What the front and the rear have in common; wheels stand behind the body. */
const body = (paint: string) => `
  <rect x="236" y="440" width="84" height="92" rx="14" fill="#15171a"/><rect x="640" y="440" width="84" height="92" rx="14" fill="#15171a"/>
  <path d="M300 300 q26 -128 62 -132 h236 q36 4 62 132 z" fill="${paint}" stroke="${LINE}" stroke-width="5"/>
  <path d="M330 292 q20 -96 44 -100 h212 q24 4 44 100 z" fill="${GLASS}"/>
  <path d="M226 490 v-128 q4 -56 74 -62 h360 q70 6 74 62 v128 q-4 14 -24 14 h-460 q-20 0 -24 -14 z"
    fill="${paint}" stroke="${LINE}" stroke-width="5"/>
  <path d="M226 424 h508" stroke="${LINE}" stroke-width="3"/>
  <rect x="410" y="440" width="140" height="34" rx="4" fill="#f1f2ee" stroke="${LINE}" stroke-width="3"/>`;

const front = (paint: string) => `${body(paint)}
  <path d="M300 306 q180 40 360 0" stroke="${LINE}" stroke-width="3" fill="none"/>
  <rect x="386" y="366" width="188" height="44" rx="12" fill="#20252a" stroke="${LINE}" stroke-width="3"/>
  <path d="M392 380 h176 M392 396 h176" stroke="#59626b" stroke-width="3"/>
  ${[248, 612].map((x) => `<rect x="${x}" y="352" width="100" height="54" rx="22" fill="#f4f0c8" stroke="${LINE}" stroke-width="3"/>`).join('')}`;

const rear = (paint: string) => `${body(paint)}
  <path d="M352 300 v122 M608 300 v122 M444 398 h72" stroke="${LINE}" stroke-width="3" fill="none"/>
  ${[244, 632].map((x) => `<rect x="${x}" y="346" width="84" height="58" rx="14" fill="#b3261e" stroke="${LINE}" stroke-width="3"/>`).join('')}`;

const VIEWS: Readonly<Record<DrawnView, (paint: string) => string>> = { left: flank, right: flank, front, rear };

/** A whole picture as SVG. @param marks - damage, drawn over the car in the coordinates of its view */
export function drawing(view: DrawnView, paint: string, marks: readonly string[]): string {
  const mirrored = view === 'left' ? ` transform="translate(${WIDTH} 0) scale(-1 1)"` : '';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">
  <rect width="${WIDTH}" height="470" fill="#b7cfe3"/><rect y="470" width="${WIDTH}" height="170" fill="#6d7072"/>
  <g${mirrored}>${VIEWS[view](paint)}
  ${marks.join('\n  ')}</g>
  <text x="20" y="${HEIGHT - 20}" font-family="sans-serif" font-size="20" fill="#e8eaec">drawn sample, not a photo</text>
</svg>`;
}
