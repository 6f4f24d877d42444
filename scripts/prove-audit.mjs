// npm run prove:audit [-- --answers 100000 --seed 1]: whatever a model answers, no text says what its rows do not say. Makes answers
// by chance from the closed lists, assesses them, writes the texts in English and in another shipped language in turn, and
// reads every one back. Then spoils one statement of some texts and sees them refused.
import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { answersBy, chanceFrom } from './prove-audit/answers.mjs';

const { values } = parseArgs({
  options: { answers: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const ANSWERS = Number(values.answers);
const SEED = Number(values.seed);
/** One lot of so many is spoiled. */
const SPOILED = 10;

const dist = new URL('../dist/assessment/', import.meta.url);
const load = (name) => import(new URL(name, dist).href);
const [taxonomy, details, flags, vehicle] = await Promise.all(
  ['taxonomy.js', 'damage-details.js', 'lot-flags.js', 'vehicle.js'].map(load),
);
const { assess } = await load('assess.js');
const { statementsOf } = await load('text/statements-of.js');
const { renderText } = await load('text/render.js');
const { audit, auditStatements } = await load('audit/audit.js');
const { readerOf } = await load('audit/reader.js');

const folder = new URL('../glossaries/', import.meta.url);
const glossaries = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')))
  .filter((glossary) => 'sentences' in glossary);
const english = glossaries.find(({ tag }) => tag === 'en');
const others = glossaries.filter((glossary) => glossary !== english);

const making = performance.now();
for (const glossary of glossaries) readerOf(glossary);
const made = (performance.now() - making) / glossaries.length;

const answer = answersBy({ taxonomy, details, flags, vehicle }, SEED);
const chance = chanceFrom(SEED + 1);
const refusals = new Map();
const kinds = new Map();
const told = { texts: 0, plain: 0, rejected: 0, spoiled: 0, spoiledPublished: 0 };
let longest = 0;
let spent = 0;

for (let index = 0; index < ANSWERS; index++) {
  const { rows, photoCount } = answer();
  const photos = Array.from({ length: photoCount }, (_, at) => ({ number: at + 1, url: `https://cdn.test/${at}.jpg` }));
  const assessment = assess(rows, photos, { model: 'generated', promptVersion: 'generated' });
  const statements = statementsOf(assessment, { simulated: index % 7 === 0 });
  for (const { kind } of statements) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  note('statements', auditStatements(statements, assessment), rows);
  for (const glossary of [english, others[index % others.length]]) {
    told.texts++;
    const usual = judged(renderText(statements, glossary), statements, glossary);
    if (usual === null) continue;
    note(`${glossary.tag}, usual form`, usual, rows);
    told.plain++;
    const plain = judged(renderText(statements, glossary, 'plain'), statements, glossary);
    note(`${glossary.tag}, plain form`, plain, rows);
    if (plain !== null) told.rejected++;
  }
  if (index % SPOILED === 0) spoil(statements, others[index % others.length]);
}

console.log(`${ANSWERS} answers, ${told.texts} texts in ${glossaries.length} languages`);
console.log(`  statements: ${[...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
console.log(`  written in the plain form after a refusal: ${told.plain}; rejected: ${told.rejected}`);
console.log(`  spoiled texts: ${told.spoiled}; published: ${told.spoiledPublished}`);
console.log(
  `  an audit took ${((1000 * spent) / told.texts).toFixed(0)} µs on average, ${longest.toFixed(1)} ms at most`,
);
console.log(`  making a reader took ${made.toFixed(0)} ms, once for each language`);
for (const [what, { count, example }] of [...refusals].toSorted((a, b) => b[1].count - a[1].count)) {
  console.log(`  refused: ${count} × ${what}\n    ${example}`);
}
const holds = refusals.size === 0 && told.spoiledPublished === 0 && told.spoiled > 0;
console.log(holds ? '\nPROVEN' : '\nNOT PROVEN');
process.exit(holds ? 0 : 1);

function judged(text, statements, glossary) {
  const begun = performance.now();
  const refusal = audit(text, statements, glossary);
  const took = performance.now() - begun;
  spent += took;
  longest = Math.max(longest, took);
  return refusal;
}

function note(where, refusal, rows) {
  if (refusal === null) return;
  const what = `${where}: ${JSON.stringify(refusal)}`;
  const known = refusals.get(what);
  if (known === undefined) refusals.set(what, { count: 1, example: JSON.stringify(rows).slice(0, 3_000) });
  else known.count++;
}

/** One statement left out, or with another side, severity or photo: the text must not pass for that of the rows. */
function spoil(statements, glossary) {
  const at = Math.floor(chance() * statements.length);
  const one = statements[at];
  const changed =
    one.kind !== 'damage'
      ? []
      : chance() < 0.5
        ? [{ ...one, severity: one.severity === 'severe' ? 'minor' : 'severe' }]
        : [{ ...one, photos: one.photos.length === 0 ? [1] : one.photos.slice(1) }];
  told.spoiled++;
  if (audit(renderText(statements.toSpliced(at, 1, ...changed), glossary), statements, glossary) === null) {
    told.spoiledPublished++;
  }
}
