/** The home page at work: shows the example, sends what the form says, and shows the answer and the request as programs. */
(() => {
  'use strict';

  const TARGET = '/api/v1/generate-descriptions';
  const SAMPLE_VIEWS = ['left', 'front', 'right', 'rear'];
  const byId = (id) => document.getElementById(id);
  const { origin } = window.location;
  const form = byId('try-form');
  const demoKey = byId('secret')?.dataset.demoKey;
  const photoOrigin = form?.dataset.photoOrigin;

  void showExample();
  showCode(byId('call-code'), { origin, text: window.requestText(exampleBody()), demoKey });
  if (form !== null) {
    form.addEventListener('change', showOwn);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void send();
    });
    // A browser that comes back to the page restores what was chosen.
    showOwn();
  }

  async function showExample() {
    const place = byId('example');
    try {
      const answer = await fetch(place.dataset.lot);
      window.showLot(place, await answer.json(), (url) => url);
    } catch {
      place.textContent = 'The example could not be loaded. Load the page again.';
    }
  }

  function exampleBody() {
    return photoOrigin === undefined
      ? requestBody('11-12345', ['https://cdn.example.com/1.jpg', 'https://cdn.example.com/2.jpg'], ['en', 'de', 'ar'])
      : requestBody('sample-blue', sampleUrls('blue'), ['en', 'de', 'ar']);
  }

  function requestBody(lotId, urls, languages) {
    return {
      version: '1.0.0',
      languages,
      mode: 'sync',
      include: ['assessment'],
      lots: [{ lot_id: lotId, images: urls.map((url) => ({ url })) }],
    };
  }

  function sampleUrls(car) {
    return SAMPLE_VIEWS.map((view) => `${photoOrigin}/home-assets/cars/${car}/${view}.jpg`);
  }

  function showOwn() {
    byId('own').hidden = chosenCar() !== '';
  }

  /** Empty: addresses of one's own. */
  function chosenCar() {
    return form.querySelector('[name=car]:checked').value;
  }

  async function send() {
    const car = chosenCar();
    const urls = car === '' ? ownUrls() : sampleUrls(car);
    const languages = [...form.querySelectorAll('[name=language]:checked')].map(({ value }) => value);
    if (urls.length === 0) return say('Paste the address of at least one photo.');
    if (languages.length === 0) return say('Choose at least one language.');
    const text = window.requestText(requestBody(car === '' ? 'my-car' : `sample-${car}`, urls, languages));
    const button = form.querySelector('button[type="submit"]');
    button.disabled = true;
    say('Sent. The photos are looked at …');
    const from = performance.now();
    try {
      const headers = { 'Content-Type': 'application/json', 'X-Signing-Secret': byId('secret').value };
      // The secret is taken out of the headers here and signs; it is not sent.
      const signed = await window.signRequest({ url: TARGET, method: 'POST', headers, body: text });
      const answer = await fetch(TARGET, { method: 'POST', headers: signed.headers, body: text });
      const result = await answer.json();
      const seconds = ((performance.now() - from) / 1000).toFixed(1);
      show(answer.status, result, { car, text, signed: signed.headers, seconds });
    } catch {
      say('The service did not answer. Is it still running?');
    } finally {
      button.disabled = false;
    }
    return undefined;
  }

  function ownUrls() {
    return byId('urls')
      .value.split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  }

  function show(status, answer, { car, text, signed, seconds }) {
    const lot = answer.lots?.[0];
    say(
      lot === undefined
        ? `${status} ${answer.code ?? ''}: see below.`
        : `${status} in ${seconds} s: described, see below.`,
    );
    const place = byId('answer-lot');
    if (lot === undefined) place.replaceChildren(refusal(status, answer));
    else window.showLot(place, lot, (url) => (car === '' ? null : pathOfSample(url)));
    byId('answer-json').textContent = JSON.stringify(answer, null, 2);
    showCode(byId('answer-code'), { origin, text, demoKey, signed });
    byId('answer').hidden = false;
    // Takes a reader and the keyboard to the answer, which may be below the edge of the window.
    byId('answer-title').focus();
  }

  /** The path of a photo that this service itself serves; of any other address the page loads nothing. */
  function pathOfSample(url) {
    return url.startsWith(`${photoOrigin}/home-assets/`) ? url.slice(photoOrigin.length) : null;
  }

  function refusal(status, { code, message, details, photo_problems: problems = [] }) {
    const card = document.createElement('div');
    card.className = 'card';
    const lines = [message ?? 'This answer holds no lot.'];
    // The page itself signs as the service wants it.
    if (status === 401 || status === 403) {
      lines.unshift(
        'The shared key is not one of those that this service was started with, or the clocks differ by more than five minutes.',
        `Clock of the service: ${details?.seen?.server_time ?? 'not said'}. Clock of this machine: ${new Date().toISOString()}.`,
      );
    }
    const title = document.createElement('h3');
    title.textContent = `${status} ${code ?? ''}`;
    const paragraphs = lines.map((line) => {
      const paragraph = document.createElement('p');
      paragraph.textContent = line;
      return paragraph;
    });
    card.append(title, ...paragraphs, ...window.photoProblems(problems));
    return card;
  }

  function say(text) {
    byId('try-state').textContent = text;
  }

  /** The programs, one at a time, with a button for each. */
  function showCode(place, request) {
    const programs = window.snippets(request);
    const pre = document.createElement('pre');
    pre.tabIndex = 0;
    pre.setAttribute('role', 'group');
    const bar = document.createElement('div');
    bar.className = 'bar';
    const choose = (index) => {
      pre.textContent = programs[index].code;
      pre.setAttribute('aria-label', programs[index].name);
      copy.textContent = 'Copy';
      buttons.forEach((button, other) => button.setAttribute('aria-pressed', String(other === index)));
    };
    const buttons = programs.map(({ name }, index) => buttonOf(name, () => choose(index)));
    const copy = buttonOf('Copy', async () => {
      await navigator.clipboard.writeText(pre.textContent);
      copy.textContent = 'Copied';
    });
    copy.classList.add('copy');
    // Browsers have no clipboard on plain http, except on localhost.
    bar.append(...buttons, ...(navigator.clipboard === undefined ? [] : [copy]));
    choose(0);
    place.replaceChildren(bar, pre);
  }

  function buttonOf(name, onClick) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = name;
    button.addEventListener('click', onClick);
    return button;
  }
})();
