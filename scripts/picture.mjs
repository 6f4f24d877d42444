// Takes the picture of the home page that README.md shows, from a demo that is running: `npm run demo`, then `npm run picture`
// in another terminal. Another address is the first argument. Needs Chromium.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';

const SIZE = [1280, 1640];
const MOST_BYTES = 150_000;
const address = process.argv[2] ?? 'http://127.0.0.1:3000/';
const target = join(import.meta.dirname, '..', 'docs', 'home.png');

const answer = await fetch(address).catch(() => undefined);
if (answer?.status !== 200) fail(`There is no home page at ${address}. Start it first: npm run demo`);

const folder = mkdtempSync(join(tmpdir(), 'picture-'));
try {
  const taken = join(folder, 'page.png');
  const { error, stderr } = spawnSync(
    'chromium',
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      `--user-data-dir=${join(folder, 'profile')}`,
      `--window-size=${SIZE.join(',')}`,
      // Its clock runs ahead while nothing is awaited, so that the example is there and nobody has to guess how long it takes.
      '--virtual-time-budget=10000',
      `--screenshot=${taken}`,
      address,
    ],
    { encoding: 'utf8', timeout: 120_000 },
  );
  if (error !== undefined) fail(`Chromium could not be run: ${error.message}`);
  const picture = await sharp(taken)
    .png({ palette: true, colours: 64, effort: 10 })
    .toBuffer()
    .catch(() => fail(`Chromium took no picture: ${stderr}`));
  if (picture.length > MOST_BYTES) fail(`The picture has ${picture.length} bytes, more than ${MOST_BYTES}.`);
  writeFileSync(target, picture);
  console.log(`docs/home.png: ${SIZE.join(' × ')}, ${picture.length} bytes`);
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
