// Draws sample cars and serves them on loopback: pictures of our own, so that the demo needs no photo from elsewhere.
// They show what the scenes of packages/openai-sandbox/src/cars/drawn-scenes.ts say.
import { createServer } from 'node:http';
import { once } from 'node:events';
import sharp from 'sharp';

const WIDTH = 960;
const HEIGHT = 640;

const DAMAGES = {
  scratch: `<g stroke="#e9e4da" stroke-width="4" fill="none" opacity="0.9">
      <path d="M340 372 l140 -14 M352 388 l125 -10"/></g>`,
  dent: `<g><ellipse cx="610" cy="390" rx="66" ry="36" fill="#000" opacity="0.35"/>
      <ellipse cx="598" cy="380" rx="42" ry="20" fill="#fff" opacity="0.25"/></g>`,
  rust: `<g fill="#8a4b1d" opacity="0.85"><circle cx="160" cy="412" r="13"/><circle cx="146" cy="428" r="8"/>
      <circle cx="170" cy="434" r="7"/></g>`,
  broken_lamp: `<g stroke="#111" stroke-width="3"><path d="M655 378 l18 12 -10 14 20 8 -14 16" fill="none"/>
      <circle cx="688" cy="398" r="14" fill="#111"/></g>`,
  cracked_glass: `<g stroke="#fdfdfd" stroke-width="2.5" fill="none">
      <path d="M545 232 l-50 -26 M545 232 l-22 38 M545 232 l42 26 M545 232 l30 -30 M545 232 l-56 14"/></g>`,
};

/** From its right, the front at the picture's right; from its left it is the mirror image. */
const fromTheSide = (colour) => `
    <path d="M92 452 q-6 -98 88 -112 l118 -20 q92 -122 214 -122 h62 q118 0 178 124 l112 26 q24 10 22 104 z"
      fill="${colour}" stroke="#1c1f22" stroke-width="5"/>
    <path d="M330 318 q72 -92 176 -94 v94 z M524 224 h52 q86 4 132 94 h-184 z" fill="#27323a"/>
    <path d="M515 210 v236 M318 326 q-16 60 6 120 M716 328 q14 62 -4 118" stroke="#1c1f22" stroke-width="3" fill="none"/>
    <rect x="826" y="350" width="52" height="40" rx="10" fill="#f4f0c8" stroke="#1c1f22" stroke-width="3"/>
    <rect x="96" y="352" width="34" height="44" rx="8" fill="#b3261e" stroke="#1c1f22" stroke-width="3"/>
    ${[246, 740].map((x) => `<circle cx="${x}" cy="462" r="70" fill="#15171a"/><circle cx="${x}" cy="462" r="38" fill="#b9bec3"/>`).join('')}`;

/** From the front: the car's left is at the picture's right. */
const fromTheFront = (colour) => `
    <rect x="250" y="440" width="80" height="80" fill="#15171a"/><rect x="630" y="440" width="80" height="80" fill="#15171a"/>
    <path d="M230 480 v-100 q4 -50 70 -66 l56 -114 q124 -30 248 0 l56 114 q66 16 70 66 v100 z"
      fill="${colour}" stroke="#1c1f22" stroke-width="5"/>
    <path d="M370 216 q110 -24 220 0 l44 92 q-154 -18 -308 0 z" fill="#27323a"/>
    <path d="M320 330 q160 -20 320 0" stroke="#1c1f22" stroke-width="3" fill="none"/>
    <rect x="380" y="390" width="200" height="44" rx="8" fill="#1c1f22"/>
    ${[250, 630].map((x) => `<rect x="${x}" y="370" width="80" height="52" rx="14" fill="#f4f0c8" stroke="#1c1f22" stroke-width="3"/>`).join('')}`;

const car = ({ colour, view, damages }) => `
<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">
  <defs><linearGradient id="g" x1="0" y1="0" x2="0" y2="1">
    <stop offset="0" stop-color="#9cc3e6"/><stop offset="1" stop-color="#dfe6ea"/></linearGradient></defs>
  <rect width="${WIDTH}" height="${HEIGHT}" fill="url(#g)"/>
  <rect y="470" width="${WIDTH}" height="170" fill="#6d7072"/>
  <g ${view === 'left' ? `transform="translate(${WIDTH} 0) scale(-1 1)"` : ''}>
    ${view === 'front' ? fromTheFront(colour) : fromTheSide(colour)}
    ${damages.map((damage) => DAMAGES[damage]).join('')}
  </g>
  <text x="20" y="${HEIGHT - 20}" font-family="sans-serif" font-size="20" fill="#e8eaec">drawn sample, not a photo</text>
</svg>`;

const BLUE = '#2f5d9b';
const RED = '#a32a24';

/** The sample photos by file name; each is a JPEG that is drawn when it is first asked for. */
const SAMPLES = {
  'blue-left.jpg': { colour: BLUE, view: 'left', damages: ['scratch'] },
  'blue-right.jpg': { colour: BLUE, view: 'right', damages: ['dent', 'rust'] },
  'blue-front.jpg': { colour: BLUE, view: 'front', damages: ['broken_lamp', 'cracked_glass'] },
  'red-left.jpg': { colour: RED, view: 'left', damages: [] },
  'red-right.jpg': { colour: RED, view: 'right', damages: [] },
  'red-front.jpg': { colour: RED, view: 'front', damages: [] },
};

/** The last words of a listing tell the sandbox what it is to see. The red car's listing has another colour. */
const LISTINGS = {
  blue: '2017 hatchback, blue; sandbox-scene:used_car',
  red: '2019 hatchback, white; sandbox-scene:misdescribed_car',
};

/** Serves the samples on loopback; `car(colour)` is what a lot says of one: its listing and its photos. */
export async function servePhotos() {
  const drawn = new Map();
  const server = createServer((request, response) => {
    const name = new URL(request.url, 'http://photos').pathname.slice(1);
    const sample = SAMPLES[name];
    if (sample === undefined) {
      response.writeHead(404).end();
      return;
    }
    if (!drawn.has(name))
      drawn.set(
        name,
        sharp(Buffer.from(car(sample)))
          .jpeg({ quality: 88 })
          .toBuffer(),
      );
    drawn.get(name).then(
      (jpeg) => {
        response.writeHead(200, { 'Content-Type': 'image/jpeg', 'Content-Length': jpeg.length });
        response.end(request.method === 'HEAD' ? undefined : jpeg);
      },
      () => response.writeHead(500).end(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    car: (colour) => ({
      additional_info: LISTINGS[colour],
      images: ['left', 'right', 'front'].map((view) => `${origin}/${colour}-${view}.jpg`),
    }),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
