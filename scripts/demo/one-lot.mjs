// The first part of the demo: one lot, answered within the request, and the same lot with notes.
import { signedFetch } from './client.mjs';
import { costLine, glossaryLine, requestText, reviewLine, textLines } from './read-aloud.mjs';

const PATH = '/api/v1/generate-descriptions';
const LANGUAGES = ['en', 'de', 'ru'];

/** Sends a lot twice and prints its texts as they are read; true when both answers came, and each language had notes. */
export async function describeLot({ origin, key, photos, say }) {
  const lot = { lot_id: '11-12345', ...photos.car('blue') };
  const body = { version: '1.0.0', languages: LANGUAGES, include: ['assessment', 'usage'], lots: [lot] };
  const send = (include) => sendOne({ origin, key, body: { ...body, include }, say });

  say(`\nPOST ${PATH}`);
  say(requestText(body));
  const plain = await send(body.include);
  if (plain === undefined) return false;
  say('\nIts HTML as a browser shows it:');
  printTexts(textsOf(plain), say);
  say(`\n  needs_review  ${reviewLine(plain.needs_review)}`);
  say(`  glossary      ${glossaryLine(plain.assessment.glossary)}`);
  say(`  usage         ${costLine(plain.usage)}`);

  say(
    `\nThe same with "include": ["notes", "usage"]. A second model translates what no list says; these lines are new:`,
  );
  const noted = await send(['notes', 'usage']);
  if (noted === undefined) return false;
  const told = new Set(textsOf(plain).flatMap(({ lines }) => lines));
  const notes = textsOf(noted).map(({ language, lines }) => ({
    language,
    lines: lines.filter((line) => !told.has(line)),
  }));
  printTexts(notes, say);
  say(`\n  usage         ${costLine(noted.usage)}`);
  return notes.every(({ lines }) => lines.length > 0);
}

/** The answer's one lot; undefined, after saying why, when it is not a 200. */
async function sendOne({ origin, key, body, say }) {
  const answer = await signedFetch({ origin, key, method: 'POST', path: PATH, body });
  const result = await answer.json();
  say(`\n${answer.status} ${answer.statusText}`);
  if (answer.status === 200) return result.lots[0];
  say(JSON.stringify(result, null, 2));
  return undefined;
}

function textsOf({ descriptions }) {
  return descriptions.map(({ language, damages }) => ({ language, lines: textLines(damages) }));
}

function printTexts(texts, say) {
  for (const { language, lines } of texts) {
    say(`\n  [${language}]`);
    for (const line of lines) say(`  ${line}`);
  }
}
