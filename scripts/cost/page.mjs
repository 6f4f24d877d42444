// The text of docs/cost.md: tables from the very functions that build requests and count photos.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const dist = '../../dist/assessment';
const { lotShares } = await import(`${dist}/lot-shares.js`);
const { MODEL_PRICES } = await import(`${dist}/cost.js`);
const { photoTokens } = await import(`${dist}/photo-tokens.js`);
const { parsePrompt } = await import(`${dist}/prompt.js`);

const promptOf = (name) =>
  parsePrompt(readFileSync(join(import.meta.dirname, '..', '..', 'prompts', `${name}.md`), 'utf8'));
/** The settings of a new installation. */
const VISION = {
  model: 'gpt-5.6-terra',
  effort: 'medium',
  maxOutputTokens: 16_000,
  prompt: promptOf('vision'),
};
const TRANSLATION = {
  model: 'gpt-5.6-luna',
  effort: 'none',
  maxOutputTokens: 16_000,
  prompt: promptOf('translation'),
};

const COUNTS = [1, 8, 20];
const SIZES = [
  { name: '640 × 480', width: 640, height: 480 },
  { name: '1280 × 960', width: 1280, height: 960 },
  { name: '4032 × 3024', width: 4032, height: 3024 },
];
const DETAILS = ['low', 'high', 'original'];
const LANGUAGES = ['de', 'fr', 'pl', 'ru', 'tr'];
const NOTE = 'The paint is chipped along the upper edge and the metal below is dull.';
const INFO = '2021 BMW X5, one owner, service book';

const mostFindings = 8;
const lotOf = (photos, size, languages, notes) => {
  const findings = Math.min(photos, mostFindings);
  return {
    photos,
    size,
    additionalInfo: INFO,
    findings,
    notes: notes ? Array(findings).fill(NOTE) : [],
    languages: LANGUAGES.slice(0, languages),
  };
};
const sharesOf = (photos, size, detail, { languages = 0, notes = false, batch = true } = {}) =>
  lotShares(lotOf(photos, size, languages, notes), {
    vision: { ...VISION, detail, notes },
    translation: TRANSLATION,
    batch,
  });

const total = (shares) => Object.values(shares).reduce((sum, { usd }) => sum + usd, 0);
const whole = (number) => Math.round(number).toLocaleString('en-US');
/** USD of a thousand lots. */
const perThousand = (usd) => (usd * 1000).toFixed(2);
const percent = (share, shares) => `${Math.round((100 * share.usd) / total(shares))} %`;
const table = (head, rows) =>
  [head, head.map(() => '---:'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const everyLot = (row) =>
  COUNTS.flatMap((photos) => SIZES.flatMap((size) => DETAILS.map((detail) => row(photos, size, detail))));

function sharesTable() {
  const head = ['photos', 'size', 'detail', 'photos', 'prompt', 'answer', 'reasoning'];
  const rows = everyLot((photos, size, detail) => {
    const shares = sharesOf(photos, size, detail);
    const cell = (share) => `${whole(share.tokens)} (${percent(share, shares)})`;
    const { photos: seen, prompt, answer, reasoning } = shares;
    return [photos, size.name, detail, cell(seen), cell(prompt), cell(answer), cell(reasoning)];
  });
  return table(head, rows);
}

function totalsTable() {
  const head = [
    'photos',
    'size',
    'detail',
    'batch',
    'batch, notes, no other language',
    'batch, notes, 1 language',
    'batch, notes, 5 languages',
    'sync',
    'sync, notes, 5 languages',
  ];
  const rows = everyLot((photos, size, detail) => {
    const usd = (options) => perThousand(total(sharesOf(photos, size, detail, options)));
    return [
      photos,
      size.name,
      detail,
      usd({}),
      usd({ notes: true }),
      usd({ notes: true, languages: 1 }),
      usd({ notes: true, languages: 5 }),
      usd({ batch: false }),
      usd({ notes: true, languages: 5, batch: false }),
    ];
  });
  return table(head, rows);
}

function notesTable() {
  const rows = COUNTS.flatMap((photos) =>
    [0, 1, 5].map((languages) => {
      const plain = sharesOf(photos, SIZES[1], 'high');
      const { answer, prompt, translation } = sharesOf(photos, SIZES[1], 'high', { notes: true, languages });
      const more = answer.usd + prompt.usd - plain.answer.usd - plain.prompt.usd;
      return [
        photos,
        languages,
        whole(answer.tokens - plain.answer.tokens),
        perThousand(more),
        whole(translation.tokens),
        perThousand(translation.usd),
      ];
    }),
  );
  return table(['photos', 'languages', 'more output', 'USD for it', 'tokens translated', 'USD for translation'], rows);
}

function pricesTable() {
  const size = SIZES[1];
  const rows = Object.keys(MODEL_PRICES).map((model) => {
    const usd = (batch) =>
      perThousand(
        total(
          lotShares(lotOf(8, size, 0, false), {
            vision: { ...VISION, model, detail: 'high' },
            translation: TRANSLATION,
            batch,
          }),
        ),
      );
    return [`\`${model}\``, whole(photoTokens(model, 'high', size)), usd(true), usd(false)];
  });
  return table(['model', 'tokens of a photo', 'batch', 'sync'], rows);
}

/** The whole page, as Markdown. */
export function costPage() {
  return `# What a lot costs

Written by \`npm run cost\` from the code that builds the requests and counts the photos; never edited by hand. A test sends
such lots to the sandbox, and what it bills must agree within 2 %. USD by the prices of November 2026 (\`OPENAI_PRICES\` wins
over them), with \`${VISION.model}\` for photos and \`${TRANSLATION.model}\` for notes, as a new installation has them.

- **Photos** count by their true size, by OpenAI's rules for the model and \`OPENAI_IMAGE_DETAIL\`.
- **Prompt** is the schema, the instructions, the listing and the photos' labels. What is the same for every lot is read from
  the prompt cache at its price; the first lot of each half hour writes it, at 1.25 times the price of input.
- **Answer** is for as many findings as photos, up to ${mostFindings}. A crashed car costs more.
- **Reasoning** is a guess for effort \`${VISION.effort}\`: nobody publishes it, and the test leaves it out. \`usage\` of a job tells.
- **Languages cost nothing**: a text is written by code from a glossary. Only notes (\`include: ["notes"]\`) are translated, by one
  call in a batch and one for each language in synchronous mode, whose prompt is paid for each time.
- The estimate of a request (\`estimated_cost_usd\`) is higher than these figures: it allows for more output, and for no cache.

## Tokens of one lot, and their part of the cost

In a batch, without notes, in any number of languages.

${sharesTable()}

## USD of 1,000 lots

${totalsTable()}

Above 272,000 input tokens a request costs twice the input and 1.5 times the output: 20 whole photos of twelve megapixels do.

## What notes add

USD of 1,000 lots in a batch. Languages are those besides English.

${notesTable()}

## By model

USD of 1,000 lots of 8 photos of 1280 × 960 pixels in detail \`high\`, without notes.

${pricesTable()}
`;
}
