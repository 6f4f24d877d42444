import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Application, NextFunction, Request, Response } from 'express';
import { Glossaries } from '../assessment/text/glossaries.js';
import { pagePolicy } from '../common/page-policy.js';
import { ServiceError } from '../common/service-error.js';
import type { AppConfig } from '../config/app-config.js';
import { DEMO_KEY } from './demo-key.js';
import { drawnJpeg } from './drawn-jpeg.js';
import { EXAMPLE_LANGUAGES, exampleLot } from './example-lot.js';
import { homePage } from './home-page.js';
import { DRAWN_CARS, photosOf, SAMPLE_CARS, type SampleCar } from './sample-cars.js';

const SCRIPT = 'text/javascript';
const ASSETS = { 'home.css': 'text/css', 'home.js': SCRIPT, 'lot-view.js': SCRIPT, 'snippets.js': SCRIPT } as const;
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b5fcc"/>
  <path d="M4 21q0-6 5-6l3-5h7l4 5q5 0 5 6z" fill="#fff"/><circle cx="10" cy="22" r="3"/><circle cx="22" cy="22" r="3"/></svg>`;

export interface HomeOptions {
  /** Whether a sandbox answers, so that the page may send requests that nobody pays for. */
  readonly sandboxed: boolean;
  /** Whether it may fetch photos that this process serves. */
  readonly samplePhotos: boolean;
}

/** Serves `/` and what the page needs, everything from this process. */
export function setUpHome(app: NestExpressApplication, config: AppConfig, options: HomeOptions): void {
  const http = app.getHttpAdapter().getInstance() as Application;
  const get = (path: string, type: string, body: (request: Request) => string) =>
    http.get(path, (request: Request, response: Response) => {
      response.setHeader('Content-Security-Policy', pagePolicy());
      response.type(type).send(body(request));
    });
  const holdsDemoKey = [...config.auth.keys.values()].some((secrets) => secrets.includes(DEMO_KEY));
  const languages = [...config.glossaries.keys()];
  const page = ({ socket }: Request) => ({
    demoKey: holdsDemoKey ? DEMO_KEY : null,
    photoOrigin: options.samplePhotos ? `http://127.0.0.1:${socket.localPort}` : null,
    languages,
  });
  get('/', 'text/html', (request) => homePage({ tryIt: options.sandboxed ? page(request) : null }));
  for (const [name, type] of Object.entries(ASSETS)) {
    const text = readFileSync(join(import.meta.dirname, 'browser', name), 'utf8');
    get(`/home-assets/${name}`, type, () => text);
  }
  get('/home-assets/icon.svg', 'image/svg+xml', () => ICON);
  let example: string | undefined;
  get('/home-assets/example.json', 'application/json', () => (example ??= JSON.stringify(exampleOf(config))));
  servePhotos(http, options.samplePhotos);
}

/**
 * The drawn photos, by one route: each further route is looked at by every request. As SVG for the page; as JPEG, which is
 * what a model takes, only where something may fetch them.
 */
function servePhotos(http: Application, asJpeg: boolean): void {
  const drawn = new Map<string, Promise<Buffer>>();
  http.get('/home-assets/cars/:car/:file', async ({ params }: Request, response: Response, next: NextFunction) => {
    const { car: name, file = '' } = params;
    const [view, format] = String(file).split('.');
    const car = DRAWN_CARS.find((one) => one.name === name);
    const photo = car === undefined ? undefined : photosOf(car).find((one) => one.view === view);
    const takes = format === 'svg' || (format === 'jpg' && asJpeg);
    // Without an error of its own the answer would be 405, because the route takes GET.
    if (car === undefined || photo === undefined || !takes)
      return next(new ServiceError('NOT_FOUND', 'There is no such drawing.'));
    response.setHeader('Content-Security-Policy', pagePolicy());
    if (format === 'svg') return response.type('image/svg+xml').send(photo.svg);
    const path = pathOf(car, photo.view);
    const jpeg = drawn.get(path) ?? drawnJpeg(photo);
    drawn.set(path, jpeg);
    return response.type('image/jpeg').send(await jpeg);
  });
}

/** Made when it is first asked for: it takes a tenth of a second. Reads three glossaries alone, for it needs no others. */
function exampleOf(config: AppConfig): object {
  const wanted: readonly string[] = EXAMPLE_LANGUAGES;
  const files = new Map([...config.glossaries].filter(([tag]) => wanted.includes(tag)));
  const car = SAMPLE_CARS[0] as SampleCar;
  return exampleLot(car, (view) => `${pathOf(car, view)}.svg`, Glossaries.read(files));
}

function pathOf(car: SampleCar, view: string): string {
  return `/home-assets/cars/${car.name}/${view}`;
}
