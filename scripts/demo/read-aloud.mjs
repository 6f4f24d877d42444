// How the demo prints a lot: as its reader sees it, not as JSON.

/** A line of the demo: what was done, and what came of it. */
export function line(what, came) {
  return `  ${what.padEnd(30)} ${came}`;
}

/** The lines of a text as a browser shows its HTML. */
export function textLines(html) {
  return html
    .replaceAll('<li>', '\n• ')
    .replaceAll(/<\/?(p|ul|li)>/g, '\n')
    .split('\n')
    .map((line) => unescapeHtml(line.trim()))
    .filter((line) => line !== '');
}

/** `false` or `true: photo_not_described, not_assessable`. */
export function reviewLine({ value, reasons }) {
  return value ? `true: ${reasons.join(', ')}` : 'false';
}

/** `de 0123456789ab (checked)` for each language of an assessment. */
export function glossaryLine(glossary) {
  return Object.entries(glossary)
    .map(([language, { version, state }]) => `${language} ${version} (${state})`)
    .join(', ');
}

/** `0.0123 USD: vision by gpt-… (1 call), translation by gpt-… (2 calls)` */
export function costLine(usage) {
  const calls = new Map();
  for (const { stage, model, calls: count } of usage) {
    const who = `${stage} by ${model}`;
    calls.set(who, (calls.get(who) ?? 0) + count);
  }
  const usd = usage.reduce((sum, { cost_usd: one }) => sum + one, 0);
  return `${usd.toFixed(4)} USD: ${[...calls].map(([who, count]) => `${who} (${count} call${count === 1 ? '' : 's'})`).join(', ')}`;
}

/** A request as JSON, with short lists on one line. */
export function requestText(body) {
  return JSON.stringify(body, null, 2).replaceAll(/\[\s*("[^"]{1,20}",?\s*)+\]/g, (list) =>
    list.replaceAll(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']'),
  );
}

const CHARACTERS = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function unescapeHtml(text) {
  return text.replaceAll(/&(amp|lt|gt|quot|#39);/g, (_, name) => CHARACTERS[name]);
}
