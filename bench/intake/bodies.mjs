// The body of a request of 50,000 lots, written to a file in Python's usual form, and its lots signature.
import { createHmac } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { KEY } from '../support/signing.mjs';

const ENGLISH =
  'Clean title, runs and drives, odometer not verified, keys present, primary damage front end, secondary side';
const RUSSIAN = 'Заявленные повреждения: передняя часть, на ходу, ключи есть, пробег не подтверждён';

/** One lot as a marketplace sends it; every fifth has text beyond ASCII. */
function lotOf(index, images) {
  const lotId = `${10 + (index % 90)}-${String(index).padStart(8, '0')}`;
  const info = `${2005 + (index % 20)} BMW X5, VIN WBA${String(index).padStart(14, '0')}. ${index % 5 === 0 ? RUSSIAN : ENGLISH}`;
  const urls = Array.from(
    { length: images },
    (_, photo) =>
      `https://cdn${index % 4}.auction-photos.example.com/lots/${lotId}/full/${photo + 1}-a1b2c3d4e5f6a7b8.jpg`,
  );
  return { lot_id: lotId, additional_info: info, images: urls.map((url) => ({ url })) };
}

/** @returns {Promise<{bytes: number, legacy: string}>} its size and its lots signature */
export async function writeBody(file, { lots, images }) {
  const out = createWriteStream(file);
  const legacy = createHmac('sha256', KEY);
  let bytes = 0;
  let waiting = '';
  let canonical = '[';
  const flush = async () => {
    const piece = Buffer.from(waiting);
    waiting = '';
    bytes += piece.length;
    legacy.update(canonical);
    canonical = '';
    if (!out.write(piece)) await once(out, 'drain');
  };
  waiting = '{"version":"1.0.0","languages":["en","ru","de","pl"],"mode":"batch","lots":[';
  for (let index = 0; index < lots; index++) {
    const lot = lotOf(index, images);
    waiting += (index === 0 ? '' : ', ') + pythonText(lot);
    canonical += (index === 0 ? '' : ',') + pythonForm(lot);
    if (waiting.length > 1 << 20) await flush();
  }
  waiting += ']}';
  canonical += ']';
  await flush();
  out.end();
  await once(out, 'finish');
  return { bytes, legacy: legacy.digest('hex') };
}

/** As Python's `requests` sends it: json.dumps with spaces and everything beyond ASCII escaped. */
function pythonText({ lot_id, additional_info, images }) {
  const photos = images.map(({ url }) => `{"url": "${url}"}`).join(', ');
  return `{"lot_id": "${lot_id}", "additional_info": ${ascii(JSON.stringify(additional_info))}, "images": [${photos}]}`;
}

/** The canonical form: keys sorted, no spaces, ASCII. */
function pythonForm({ lot_id, additional_info, images }) {
  return ascii(JSON.stringify({ additional_info, images, lot_id }));
}

function ascii(json) {
  return json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
