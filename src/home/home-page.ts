import { escapeHtml } from '../assessment/html.js';
import { EXAMPLE_LANGUAGES } from './example-lot.js';
import { SAMPLE_CARS } from './sample-cars.js';

/** What the page offers where it may be tried: the sandbox answers, so that nothing is paid. */
interface TryIt {
  /** The demo's secret where this service has it; any other is typed in. */
  readonly demoKey: string | null;
  /** The sample cars' addresses as the service reaches them; null where it may not fetch from itself. */
  readonly photoOrigin: string | null;
  /** Language tags that a glossary is shipped for. */
  readonly languages: readonly string[];
}

export interface HomePage {
  /** Null with a real key: each try would be paid for. */
  readonly tryIt: TryIt | null;
}

/** Which languages come first and are ticked. */
const TICKED: readonly string[] = EXAMPLE_LANGUAGES;

/** The whole page. It holds no inline script and no inline style, so that a strict Content-Security-Policy holds. */
export function homePage({ tryIt }: HomePage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Generation Service</title>
<link rel="icon" href="/home-assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/home-assets/home.css">
<script src="/docs-assets/sign.js" defer></script>
<script src="/home-assets/lot-view.js" defer></script>
<script src="/home-assets/snippets.js" defer></script>
<script src="/home-assets/home.js" defer></script>
</head>
<body>
<header>
<strong class="name">Generation Service</strong>
<nav aria-label="Pages">
${tryIt === null ? '' : '<a href="#try">Try it</a>\n'}<a href="#call">How to call it</a>
<a href="/docs/guides">Guides</a>
<a href="/docs">API documentation</a>
<a href="/health">Health</a>
</nav>
</header>
<main>
<section class="lead">
<h1>Photos of a car in, its damage described in many languages out</h1>
<p>Send the addresses of a car’s photos. You get its visible damage as HTML in the languages you ask for. Every sentence rests
on a finding, and every finding on photos. Nothing is said of what no photo shows.</p>
<p class="actions">${tryIt === null ? '' : '<a class="primary" href="#try">Try it</a>\n'}<a href="#call">How to call it</a></p>
</section>
<section aria-labelledby="example-title">
<h2 id="example-title">One lot</h2>
<p class="note"><strong>A drawn example: no model wrote it.</strong> This service drew the pictures. What was drawn went the way of
a model’s answer, through the same checks and word lists. Choose a finding to see its photos.</p>
<div class="lot" id="example" data-lot="/home-assets/example.json"><noscript>This page needs JavaScript to show the lot.</noscript></div>
</section>
${tryIt === null ? NO_TRY : tryItSection(tryIt)}
${CALL_SECTION}
</main>
<footer>
<a href="/docs/guides">Guides</a>
<a href="/docs">API documentation</a>
<a href="/openapi.json">openapi.json</a>
<a href="/health">Health</a>
<a href="/ready">Ready</a>
<a href="/metrics">Metrics</a>
</footer>
</body>
</html>
`;
}

const NO_TRY = `<section class="card" aria-labelledby="try-title">
<h2 id="try-title">Try it</h2>
<p>This service works with a real OpenAI key, so each try costs money and this page sends none. Send one from
<a href="/docs">the API documentation</a>, or start the demo on your own machine: <code>npm run demo</code>.</p>
</section>`;

const CALL_SECTION = `<section id="call" aria-labelledby="call-title">
<h2 id="call-title">How to call it</h2>
<ol class="steps">
<li><strong>Sign.</strong> Every request carries the time and a signature made with your shared key. The key itself is never sent.
<pre tabindex="0" role="group" aria-label="What is signed"><code>X-Signature: v1=hex(HMAC-SHA256(key,
  "v1\\n" + X-Timestamp + "\\n" + METHOD + "\\n" + path with query + "\\n" + hex(SHA-256(body))))</code></pre></li>
<li><strong>Send.</strong> <code>POST /api/v1/generate-descriptions</code> takes one lot or 50,000. One lot with up to 20 photos is
answered at once (200). More lots become a job (201) at half the price.</li>
<li><strong>Follow a job.</strong> <code>GET /api/v1/batch-status/{job_id}</code> says how far it is,
<code>GET /api/v1/batch-results/{job_id}</code> gives the lots. Or name a <code>webhook_url</code> and be told.</li>
</ol>
<h3 id="code-title">A whole program</h3>
<p>It signs, sends and prints the answer. Put your key into the variable <code>SHARED_KEY</code>.</p>
<div class="code" id="call-code" role="group" aria-labelledby="code-title"></div>
<h3>Guides</h3>
<p>Every route, with examples that can be sent: <a href="/docs">API documentation</a>. <a href="/docs/guides/getting-started">Getting
started</a>, and <a href="/docs/guides">all guides</a>. A signature is refused? <a href="/docs/signing-page">Find out why</a>.</p>
</section>`;

function tryItSection({ demoKey, photoOrigin, languages }: TryIt): string {
  const cars = photoOrigin === null ? [] : SAMPLE_CARS;
  return `<section id="try" aria-labelledby="try-title">
<h2 id="try-title">Try it</h2>
<p class="note"><strong>A sandbox stands in for OpenAI, and nothing is paid.</strong> ${
    cars.length === 0
      ? ''
      : 'Of the drawn cars it finds what is drawn, because each drawing says in its file what it shows. '
  }What it finds in ${cars.length === 0 ? '' : 'other '}photos is made up, and every text says that it is a simulation.</p>
<form id="try-form" class="card"${photoOrigin === null ? '' : ` data-photo-origin="${escapeHtml(photoOrigin)}"`}>
<fieldset>
<legend>Photos</legend>
<div class="cars">
${cars
  .map(
    (
      { name },
      index,
    ) => `<label class="car"><input type="radio" name="car" value="${name}"${index === 0 ? ' checked' : ''}>
<img src="/home-assets/cars/${name}/front.svg" alt="" width="120" height="80"> The ${name} car</label>`,
  )
  .join('\n')}
<label class="car"><input type="radio" name="car" value=""${cars.length === 0 ? ' checked' : ''}> My own addresses</label>
</div>
<div id="own"${cars.length === 0 ? '' : ' hidden'}><label for="urls">Addresses of photos of one car, one a line, at most 20</label>
<textarea id="urls" rows="3" spellcheck="false" placeholder="https://cdn.example.com/1.jpg"></textarea>
<p class="mut">They are sent to the service, which fetches them. This page never loads them.</p></div>
</fieldset>
<fieldset>
<legend>Languages</legend>
<div class="languages">
${[...TICKED, ...languages.filter((tag) => !TICKED.includes(tag))]
  .map(
    (tag) =>
      `<label><input type="checkbox" name="language" value="${escapeHtml(tag)}"${TICKED.includes(tag) ? ' checked' : ''}> <span lang="${escapeHtml(tag)}">${escapeHtml(ownName(tag))}</span></label>`,
  )
  .join('\n')}
</div>
</fieldset>
<div class="key"><label for="secret">Shared key</label>
<input id="secret" type="password" autocomplete="off" spellcheck="false" required aria-describedby="secret-hint"${demoKey === null ? '' : ` value="${escapeHtml(demoKey)}" data-demo-key="${escapeHtml(demoKey)}"`}>
<p class="mut" id="secret-hint">${
    demoKey === null
      ? 'It stays in this page, which signs the request with it. It is neither sent nor kept.'
      : 'This is the demo’s fixed key. It stands in the repository and protects nothing.'
  }</p></div>
<button class="primary" type="submit">Describe this car</button>
<p id="try-state" role="status"></p>
</form>
<div id="answer" hidden>
<h3 id="answer-title" tabindex="-1">The answer</h3>
<div class="beside"><div class="lot" id="answer-lot"></div>
<div class="json"><pre tabindex="0" role="group" aria-label="The answer as JSON" id="answer-json" dir="ltr"></pre></div></div>
<h3 id="answer-code-title">The same request as a program</h3>
<p>The curl command is signed already, for five minutes. The programs sign by themselves.</p>
<div class="code" id="answer-code" role="group" aria-labelledby="answer-code-title"></div>
</div>
</section>`;
}

/** A language's name in itself, such as Deutsch. */
function ownName(tag: string): string {
  return new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag;
}
