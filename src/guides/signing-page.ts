import { pageFrame } from './page-frame.js';

const SCRIPTS = [
  '/docs-assets/sign.js',
  '/docs-assets/signing-mistakes.js',
  '/docs-assets/signing-search.js',
  '/docs-assets/signing-check.js',
  '/docs-assets/signing-page.js',
];

const MAIN = `<h1>Check a signature</h1>
<p>Put in the request as your program sent it. The page computes the signature part by part and marks what is wrong. Nothing is
sent: the secret, like all else, stays in this page. How a request is signed stands in
<a href="/docs/guides/signing">Signing requests</a>.</p>
<noscript><p>This page needs JavaScript: it computes in your browser.</p></noscript>
<form id="check-form" class="card check">
<div><label for="method">Method</label>
<input id="method" value="POST" autocomplete="off" spellcheck="false" required></div>
<div><label for="address">Address, or path with query</label>
<input id="address" value="/api/v1/generate-descriptions" autocomplete="off" spellcheck="false" dir="ltr" required></div>
<div class="whole"><label for="headers">Headers, one a line</label>
<textarea id="headers" rows="4" spellcheck="false" dir="ltr" required placeholder="X-Timestamp: 1767225600
X-Signature: v1=…"></textarea></div>
<div class="whole"><label for="body">Body, as it was sent, before it was compressed</label>
<textarea id="body" rows="6" spellcheck="false" dir="ltr" aria-describedby="body-hint"></textarea>
<p class="mut" id="body-hint">Leave it empty for a request without a body. A text box changes line ends; the bytes of a file stay as they are.</p></div>
<div><label for="file">Or the file that was sent</label>
<input id="file" type="file"></div>
<div><label for="secret">Secret</label>
<input id="secret" type="password" autocomplete="off" spellcheck="false" required aria-describedby="secret-hint">
<p class="mut" id="secret-hint">It is neither sent nor kept nor shown.</p></div>
<div class="whole"><label for="refusal">The answer that refused it (401 or 403), if you have it</label>
<textarea id="refusal" rows="4" spellcheck="false" dir="ltr" aria-describedby="refusal-hint"></textarea>
<p class="mut" id="refusal-hint">It says in <code>details.seen</code> what the service received, and what its clock says.</p></div>
<button class="primary" type="submit">Check</button>
</form>
<section id="found" hidden aria-labelledby="found-title">
<h2 id="found-title" tabindex="-1">What was found</h2>
<div class="card verdict" id="verdict" role="status"></div>
<h3 id="parts-title">Part by part</h3>
<div class="table" tabindex="0" role="group" aria-labelledby="parts-title"><table class="parts">
<thead><tr><th scope="col">Part</th><th scope="col">State</th><th scope="col">What counts</th></tr></thead>
<tbody id="parts"></tbody></table></div>
<h3 id="to-sign-title">The string to sign</h3>
<p>Five lines, without a line end behind the last.</p>
<pre tabindex="0" role="group" aria-labelledby="to-sign-title" dir="ltr"><code id="to-sign"></code></pre>
<h3 id="expected-title">The signature that the service expects</h3>
<pre tabindex="0" role="group" aria-labelledby="expected-title" dir="ltr"><code id="expected"></code></pre>
</section>`;

/** The page that finds out why a signature is refused. */
export function signingPage(): string {
  return pageFrame({ title: 'Check a signature', main: MAIN, scripts: SCRIPTS });
}
