import type { OpenAPIObject } from '@nestjs/swagger';
import type { Request, Response, Router } from 'express';

/** The address of the photos in the examples; this host does not exist. */
const EXAMPLE_PHOTO = /^https:\/\/cdn\.example\.com\/.*\.jpg$/;
const SIDES = ['left', 'right'] as const;
type Side = (typeof SIDES)[number];

/** A drawn car with a scratch, so that the page's examples need no photo from another host. */
const SAMPLE = `<svg xmlns="http://www.w3.org/2000/svg" width="960" height="640">
  <rect width="960" height="470" fill="#b7cfe3"/><rect y="470" width="960" height="170" fill="#6d7072"/>
  <path d="M92 452 q-6 -98 88 -112 l118 -20 q92 -122 214 -122 h62 q118 0 178 124 l112 26 q24 10 22 104 z"
    fill="#2f5d9b" stroke="#1c1f22" stroke-width="5"/>
  <path d="M330 318 q72 -92 176 -94 v94 z M524 224 h52 q86 4 132 94 h-184 z" fill="#27323a"/>
  <path d="M515 210 v236 M318 326 q-16 60 6 120 M716 328 q14 62 -4 118" stroke="#1c1f22" stroke-width="3" fill="none"/>
  <circle cx="246" cy="462" r="70" fill="#15171a"/><circle cx="740" cy="462" r="70" fill="#15171a"/>
  <g stroke="#e9e4da" stroke-width="4" fill="none"><path d="M330 352 l150 -14 M345 368 l170 -10 M380 384 l90 4"/></g>
  <text x="20" y="620" font-family="sans-serif" font-size="20" fill="#e8eaec">drawn sample, not a photo</text>
</svg>`;

/** Serves the car's two sides to the page's examples; each is drawn once, when it is first asked for. */
export function serveSamplePhotos(http: Router): void {
  for (const side of SIDES) {
    let drawn: Promise<Buffer> | undefined;
    http.get(pathOf(side), async (_request: Request, response: Response) => {
      drawn ??= draw(side);
      response.type('image/jpeg').send(await drawn);
    });
  }
}

function pathOf(side: Side): string {
  return `/docs-assets/sample-${side}.jpg`;
}

async function draw(side: Side): Promise<Buffer> {
  // Loaded with the first photo that is requested: it takes 20 MB, and the process must also start where it is not
  // installed.
  const { default: sharp } = await import('sharp');
  return sharp(Buffer.from(SAMPLE))
    .flop(side === 'right')
    .jpeg()
    .toBuffer();
}

/** The document with the samples in place of the examples' photos. */
export function withSamplePhotos(document: OpenAPIObject, origin: string): OpenAPIObject {
  let count = 0;
  const replaced = (value: unknown): unknown => {
    if (typeof value === 'string') {
      return EXAMPLE_PHOTO.test(value) ? `${origin}${pathOf(SIDES[count++ % SIDES.length] as Side)}` : value;
    }
    if (Array.isArray(value)) return value.map(replaced);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, replaced(member)]));
  };
  return { ...document, paths: replaced(document.paths) as OpenAPIObject['paths'] };
}
