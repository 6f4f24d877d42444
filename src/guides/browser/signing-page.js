/** The page that checks a signature at work. Nothing that is typed leaves it: its policy lets it connect to nothing. */
(() => {
  'use strict';

  const byId = (id) => document.getElementById(id);
  const form = byId('check-form');
  const STATES = { right: 'right', wrong: 'wrong', unknown: 'not proven', follows: 'differs' };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void check();
  });

  async function check() {
    const file = byId('file').files[0];
    const body =
      file === undefined ? window.digests.utf8(byId('body').value) : new Uint8Array(await file.arrayBuffer());
    const found = await window.checkSigning({
      method: byId('method').value,
      address: byId('address').value,
      headers: byId('headers').value,
      body,
      secret: byId('secret').value,
      answer: byId('refusal').value,
      origin: window.location.origin,
      now: Date.now(),
    });
    show(found, byId('refusal').value.trim() !== '');
  }

  function show({ parts, toSign, expected, mistakes, fits }, hasAnswer) {
    const verdict = byId('verdict');
    verdict.classList.toggle('fits', fits);
    verdict.replaceChildren(
      ...(fits
        ? [
            element(
              'p',
              `The signature is right for this request and this secret.${hasAnswer ? '' : ' If the service refuses it all the same, paste its answer: then a proxy, the clock or another key is the cause.'}`,
            ),
          ]
        : [
            element(
              'ul',
              '',
              mistakes.map((mistake) => element('li', mistake)),
            ),
          ]),
    );
    byId('parts').replaceChildren(
      ...parts.map(({ name, value, beside, state, mistake }) => {
        const row = element('tr', '', [
          headCell(name),
          element('td', STATES[state]),
          element('td', '', [
            element('code', value),
            element('span', ` ${beside}`),
            ...(mistake === '' ? [] : [element('p', mistake)]),
          ]),
        ]);
        row.className = state;
        row.children[1].className = 'state';
        return row;
      }),
    );
    byId('to-sign').textContent = toSign;
    byId('expected').textContent = expected;
    byId('found').hidden = false;
    byId('found-title').focus();
  }

  function headCell(text) {
    const cell = element('th', text);
    cell.scope = 'row';
    return cell;
  }

  function element(name, text, children = []) {
    const made = document.createElement(name);
    if (text !== '') made.textContent = text;
    made.append(...children);
    return made;
  }
})();
