// The first part of the demo: one lot, answered within the request, and the same lot with notes.
import { signedFetch } from './client.mjs';
import { differences, lotOf, SAMPLE } from './drawn-lots.mjs';
import { costLine, glossaryLine, line, requestText, reviewLine, textLines } from './read-aloud.mjs';

const PATH = '/api/v1/generate-descriptions';
const LANGUAGES = ['en', 'de', 'ru'];

/**
 * Sends a lot twice; with `detail`, prints its texts as they are read.
 * @returns problems; none when both answers came, the findings are what is drawn, and each language had notes
 */
export async function describeLot({ origin, key, say, detail }) {
  const lot = lotOf(SAMPLE, origin);
  const body = { version: '1.0.0', languages: LANGUAGES, include: ['assessment', 'usage'], lots: [lot] };
  const send = (include) => sendOne({ origin, key, body: { ...body, include }, detail });

  detail(`\nPOST ${PATH}\n${requestText(body)}`);
  const plain = await send(body.include);
  if (plain.lot === undefined) return plain.problems;
  const { needs_review: review, assessment, usage } = plain.lot;
  detail('\nIts HTML as a browser shows it:');
  printTexts(textsOf(plain.lot), detail);
  detail(`\n  needs_review  ${reviewLine(review)}`);
  detail(`  glossary      ${glossaryLine(assessment.glossary)}`);
  detail(`  usage         ${costLine(usage)}`);
  const wrong = differences(SAMPLE, plain.lot);
  const { findings } = assessment;
  say(
    line(
      `One lot, ${lot.images.length} photos, ${LANGUAGES.join(' ')}`,
      `${plain.took}, ${findings.length} findings${asDrawn(wrong)}`,
    ),
  );

  detail(
    '\nThe same with "include": ["notes", "usage"]. A second model translates what no list says; these lines are new:',
  );
  const noted = await send(['notes', 'usage']);
  if (noted.lot === undefined) return noted.problems;
  const told = new Set(textsOf(plain.lot).flatMap(({ lines }) => lines));
  const notes = textsOf(noted.lot).map(({ language, lines }) => ({
    language,
    lines: lines.filter((line) => !told.has(line)),
  }));
  printTexts(notes, detail);
  detail(`\n  usage         ${costLine(noted.lot.usage)}`);
  const second = noted.lot.usage.filter(({ stage }) => stage === 'translation').map(({ model }) => model);
  say(line('The same with notes', `${noted.took}, notes translated by ${[...new Set(second)].join(', ') || 'nobody'}`));
  const silent = notes
    .filter(({ lines }) => lines.length === 0)
    .map(({ language }) => `there are no notes in ${language}`);
  return [...wrong, ...silent];
}

/** `, all as drawn`, or how many are not. */
export function asDrawn(wrong) {
  return wrong.length === 0 ? ', all as drawn' : `, ${wrong.length} NOT as drawn`;
}

/** The answer's one lot, with how long it took; without one, why. */
async function sendOne({ origin, key, body, detail }) {
  const from = performance.now();
  const answer = await signedFetch({ origin, key, method: 'POST', path: PATH, body });
  const result = await answer.json();
  const took = `${answer.status} in ${((performance.now() - from) / 1000).toFixed(1)} s`;
  detail(`\n${answer.status} ${answer.statusText}`);
  if (answer.status === 200) return { lot: result.lots[0], took, problems: [] };
  return { took, problems: [`200 was expected: ${took}\n${JSON.stringify(result, null, 2)}`] };
}

function textsOf({ descriptions }) {
  return descriptions.map(({ language, damages }) => ({ language, lines: textLines(damages) }));
}

function printTexts(texts, print) {
  for (const { language, lines } of texts) {
    print(`\n  [${language}]`);
    for (const line of lines) print(`  ${line}`);
  }
}
