// Draws sample cars and serves them on loopback: pictures of our own, so that the demo needs no photo from elsewhere.
import { createServer } from 'node:http';
import { once } from 'node:events';
import sharp from 'sharp';

const WIDTH = 960;
const HEIGHT = 640;

const DAMAGES = {
  none: '',
  scratch: `<g stroke="#e9e4da" stroke-width="4" fill="none" opacity="0.9">
      <path d="M330 352 l150 -14 M345 368 l170 -10 M380 384 l90 4"/></g>`,
  dent: `<g><ellipse cx="610" cy="372" rx="72" ry="44" fill="#000" opacity="0.35"/>
      <ellipse cx="596" cy="360" rx="46" ry="24" fill="#fff" opacity="0.25"/></g>`,
  broken_lamp: `<g stroke="#111" stroke-width="3"><path d="M838 356 l18 12 -10 14 20 8 -14 16" fill="none"/>
      <circle cx="848" cy="378" r="8" fill="#111"/></g>`,
  cracked_glass: `<g stroke="#fdfdfd" stroke-width="2.5" fill="none">
      <path d="M585 232 l-60 -36 M585 232 l-22 48 M585 232 l48 34 M585 232 l40 -40 M585 232 l-66 18"/></g>`,
  rust: `<g fill="#8a4b1d" opacity="0.85"><circle cx="248" cy="446" r="22"/><circle cx="276" cy="452" r="13"/>
      <circle cx="226" cy="456" r="11"/></g>`,
};

const car = ({ colour, damages, mirrored, sky }) => `
<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">
  <defs><linearGradient id="g" x1="0" y1="0" x2="0" y2="1">
    <stop offset="0" stop-color="${sky}"/><stop offset="1" stop-color="#dfe6ea"/></linearGradient></defs>
  <rect width="${WIDTH}" height="${HEIGHT}" fill="url(#g)"/>
  <rect y="470" width="${WIDTH}" height="170" fill="#6d7072"/>
  <g ${mirrored ? `transform="translate(${WIDTH} 0) scale(-1 1)"` : ''}>
    <path d="M92 452 q-6 -98 88 -112 l118 -20 q92 -122 214 -122 h62 q118 0 178 124 l112 26 q24 10 22 104 z"
      fill="${colour}" stroke="#1c1f22" stroke-width="5"/>
    <path d="M330 318 q72 -92 176 -94 v94 z M524 224 h52 q86 4 132 94 h-184 z" fill="#27323a"/>
    <path d="M515 210 v236 M318 326 q-16 60 6 120 M716 328 q14 62 -4 118" stroke="#1c1f22" stroke-width="3" fill="none"/>
    <rect x="826" y="350" width="52" height="40" rx="10" fill="#f4f0c8" stroke="#1c1f22" stroke-width="3"/>
    <rect x="96" y="352" width="34" height="44" rx="8" fill="#b3261e" stroke="#1c1f22" stroke-width="3"/>
    ${[246, 740].map((x) => `<circle cx="${x}" cy="462" r="70" fill="#15171a"/><circle cx="${x}" cy="462" r="38" fill="#b9bec3"/>`).join('')}
    ${damages.map((damage) => DAMAGES[damage]).join('')}
  </g>
  <text x="20" y="${HEIGHT - 20}" font-family="sans-serif" font-size="20" fill="#e8eaec">drawn sample, not a photo</text>
</svg>`;

/** The sample photos by file name; each is a JPEG that is drawn when it is first asked for. */
export const SAMPLES = {
  'blue-left-scratch.jpg': { colour: '#2f5d9b', damages: ['scratch'], mirrored: false, sky: '#9cc3e6' },
  'blue-right-dent.jpg': { colour: '#2f5d9b', damages: ['dent', 'rust'], mirrored: true, sky: '#a9cbe8' },
  'blue-front-lamp.jpg': {
    colour: '#2f5d9b',
    damages: ['broken_lamp', 'cracked_glass'],
    mirrored: false,
    sky: '#b7c9d8',
  },
  'red-left-clean.jpg': { colour: '#a32a24', damages: ['none'], mirrored: false, sky: '#9cc3e6' },
  'red-right-rust.jpg': { colour: '#a32a24', damages: ['rust'], mirrored: true, sky: '#c6d3dc' },
  'green-left-glass.jpg': { colour: '#2d6a45', damages: ['cracked_glass', 'scratch'], mirrored: false, sky: '#a7bccb' },
};

/** Serves the samples on loopback; `url(name)` is a photo's address. */
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
    origin,
    url: (name) => `${origin}/${name}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
