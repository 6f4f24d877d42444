/**
 * One request as programs that can be run as they stand. Defines `window.snippets`, which touches neither page nor network. A
 * secret is never written into them: they read it from SHARED_KEY. Only the demo's, which is no secret, stands in for it.
 */
(() => {
  'use strict';

  const TARGET = '/api/v1/generate-descriptions';

  /**
   * The body's text, with short lists and photos on one line. Without an apostrophe it can stand between apostrophes in every
   * language below.
   */
  window.requestText = (body) =>
    JSON.stringify(body, null, 2)
      // Line breaks stand between members alone: within a string JSON escapes them.
      .replaceAll(
        /\[\n\s+("[^"\n]{1,20}"(?:,\n\s+"[^"\n]{1,20}")*)\n\s+\]/g,
        (_, list) => `[${list.replaceAll(/\n\s+/g, ' ')}]`,
      )
      .replaceAll(/\{\n\s+("url": "[^\n]*")\n\s+\}/g, '{ $1 }')
      .replaceAll("'", '\\u0027');

  /**
   * @param {{origin: string, text: string, demoKey?: string, signed?: Record<string, string>}} request
   *   `text` is what requestText answered; `signed` the headers of a request that is signed already
   * @returns {{name: string, code: string}[]}
   */
  window.snippets = (request) => [
    { name: 'curl', code: request.signed === undefined ? shell(request) : signedCurl(request) },
    { name: 'Python', code: python(request) },
    { name: 'Node', code: node(request) },
    { name: 'PHP', code: php(request) },
  ];

  function signedCurl({ origin, text, signed }) {
    const headers = Object.entries(signed).map(([name, value]) => `-H '${name}: ${value}' \\`);
    return [`curl '${origin}${TARGET}' \\`, ...headers.map((line) => `  ${line}`), `  --data-binary '${text}'`].join(
      '\n',
    );
  }

  function shell({ origin, text, demoKey }) {
    return `${demoKey === undefined ? '' : `: "\${SHARED_KEY:=${demoKey}}"\n`}body='${text}'
timestamp=$(date +%s)
digest=$(printf '%s' "$body" | openssl dgst -sha256 -r | cut -d' ' -f1)
signature=$(printf 'v1\\n%s\\nPOST\\n%s\\n%s' "$timestamp" ${TARGET} "$digest" |
  openssl dgst -sha256 -hmac "$SHARED_KEY" -r | cut -d' ' -f1)
curl '${origin}${TARGET}' -H 'Content-Type: application/json' \\
  -H "X-Timestamp: $timestamp" -H "X-Signature: v1=$signature" --data-binary "$body"`;
  }

  function python({ origin, text, demoKey }) {
    const key = demoKey === undefined ? 'os.environ["SHARED_KEY"]' : `os.environ.get("SHARED_KEY", "${demoKey}")`;
    return `import hashlib
import hmac
import os
import time
import urllib.error
import urllib.request

key = ${key}
body = r'''${text}'''.encode()

timestamp = str(int(time.time()))
digest = hashlib.sha256(body).hexdigest()
message = "\\n".join(["v1", timestamp, "POST", "${TARGET}", digest])
signature = hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()
request = urllib.request.Request("${origin}${TARGET}", body, {
    "Content-Type": "application/json",
    "X-Timestamp": timestamp,
    "X-Signature": "v1=" + signature,
})
try:
    with urllib.request.urlopen(request, timeout=310) as answer:
        print(answer.read().decode())
except urllib.error.HTTPError as refused:
    raise SystemExit(refused.read().decode())`;
  }

  function node({ origin, text, demoKey }) {
    const key = demoKey === undefined ? 'process.env.SHARED_KEY' : `process.env.SHARED_KEY ?? '${demoKey}'`;
    return `import { createHash, createHmac } from 'node:crypto';

const key = ${key};
const body = JSON.stringify(${text});

const timestamp = String(Math.floor(Date.now() / 1000));
const digest = createHash('sha256').update(body).digest('hex');
const message = ['v1', timestamp, 'POST', '${TARGET}', digest].join('\\n');
const signature = createHmac('sha256', key).update(message).digest('hex');
const answer = await fetch('${origin}${TARGET}', {
  method: 'POST',
  headers: {
    'Content-Type': 'application/json',
    'X-Timestamp': timestamp,
    'X-Signature': \`v1=\${signature}\`,
  },
  body,
});
console.log(await answer.text());
if (!answer.ok) process.exitCode = 1;`;
  }

  function php({ origin, text, demoKey }) {
    const key = demoKey === undefined ? "getenv('SHARED_KEY')" : `getenv('SHARED_KEY') ?: '${demoKey}'`;
    return `<?php
$key = ${key};
$body = <<<'BODY'
${text}
BODY;

$timestamp = (string) time();
$message = implode("\\n", ['v1', $timestamp, 'POST', '${TARGET}', hash('sha256', $body)]);
$signature = hash_hmac('sha256', $message, $key);
$answer = file_get_contents('${origin}${TARGET}', false, stream_context_create(['http' => [
    'method' => 'POST',
    'header' => [
        'Content-Type: application/json',
        "X-Timestamp: $timestamp",
        "X-Signature: v1=$signature",
    ],
    'content' => $body,
    'timeout' => 310,
    'ignore_errors' => true,
]]));
echo $answer, "\\n";`;
  }
})();
