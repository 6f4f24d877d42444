/**
 * Shows a lot of an answer: its photos beside the findings that cite them, and its texts. Defines `window.showLot` and
 * `window.photoProblems`. All that
 * an answer holds is put in as text; of its HTML only `p`, `ul` and `li` are taken, without attributes.
 */
(() => {
  'use strict';

  /** Languages that are written in Arabic or Hebrew letters, as docs/texts.md lists them. */
  const RIGHT_TO_LEFT = new Set(['ar', 'ckb', 'fa', 'he', 'ps', 'sd', 'ug', 'ur', 'yi']);
  const ESCAPES = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };

  /**
   * @param {Element} place - emptied before
   * @param {object} lot - of a synchronous answer, asked for with `include: ["assessment"]`
   * @param {(url: string) => string | null} sourceOf - where the page may load a photo from; null: it is only named
   */
  window.showLot = (place, lot, sourceOf) => {
    const { assessment, descriptions = [] } = lot;
    const parts = assessment === undefined ? [] : [photosAndFindings(lot, sourceOf)];
    place.replaceChildren(...parts, texts(lot, descriptions));
  };

  function photosAndFindings({ assessment, needs_review: review, photo_problems: problems = [] }, sourceOf) {
    const { photos, findings, not_visible: unseen, assessable } = assessment;
    const shown = photos.map(({ number, url, view }) => ({
      number,
      url,
      name: `Photo ${number}, ${words(view)}`,
      source: sourceOf(url),
      citedBy: findings.filter((found) => found.photos.some((photo) => photo.number === number)).map(({ id }) => id),
    }));
    const gallery = shown.every(({ source }) => source !== null) ? pictures(shown) : addresses(shown);
    const buttons = findings.map((found) => findingButton(found));
    const choose = (index) => {
      buttons.forEach((button, other) => button.setAttribute('aria-pressed', String(other === index)));
      gallery.cite(findings[index].photos.map(({ number }) => number));
    };
    buttons.forEach((button, index) => button.addEventListener('click', () => choose(index)));
    if (findings.length > 0) choose(0);
    const list = make('ol', { class: 'findings' }, ...buttons.map((button) => make('li', {}, button)));
    const aside = make(
      'div',
      { class: 'card' },
      make('h3', {}, headingOf(findings.length, assessable)),
      list,
      ...(unseen.length === 0
        ? []
        : [make('p', { class: 'mut' }, `Not shown in the photos: ${unseen.map(words).join(', ')}`)]),
      ...(review?.value === true
        ? [make('p', {}, `A person should look at this lot: ${review.reasons.map(words).join(', ')}`)]
        : []),
      ...photoProblems(problems),
    );
    return make('div', { class: 'look' }, gallery.element, aside);
  }

  /** Photos that could not be had, each with its reason. */
  function photoProblems(problems) {
    if (problems.length === 0) return [];
    const items = problems.map(({ url, reason }) => make('li', {}, `${words(reason)}: ${url}`));
    return [make('p', {}, 'Photos that the service could not use:'), make('ul', { class: 'problems' }, ...items)];
  }

  window.photoProblems = photoProblems;

  /** Without findings nothing is praised: photos that show nothing allow no statement. */
  function headingOf(count, assessable) {
    if (assessable === false) return 'These photos allow no statement';
    if (count === 0) return 'No damage is visible where the photos show the car';
    return count === 1 ? '1 finding' : `${count} findings`;
  }

  /** One large photo, and all of them small below it. */
  function pictures(photos) {
    const image = make('img', { width: 960, height: 640 });
    const caption = make('figcaption', { 'aria-live': 'polite' });
    const tabs = photos.map(({ source, name, citedBy }) => {
      const badge =
        citedBy.length === 0 ? [] : [make('span', { class: 'badge', 'aria-hidden': 'true' }, citedBy.join(', '))];
      const small = make('img', { src: source, alt: '', width: 120, height: 80 });
      return make('button', { type: 'button', 'aria-label': `${name}. ${citations(citedBy)}` }, small, ...badge);
    });
    const show = (index) => {
      const { source, name, citedBy } = photos[index];
      image.src = source;
      image.alt = `${name}, of the car`;
      caption.textContent = `${name}. ${citations(citedBy)}`;
      tabs.forEach((tab, other) => tab.setAttribute('aria-pressed', String(other === index)));
    };
    tabs.forEach((tab, index) => tab.addEventListener('click', () => show(index)));
    show(0);
    return {
      element: make(
        'div',
        {},
        make('figure', { class: 'stage' }, image, caption),
        make('div', { class: 'strip', role: 'group', 'aria-label': 'Photos' }, ...tabs),
      ),
      cite(numbers) {
        tabs.forEach((tab, index) => tab.classList.toggle('cited', numbers.includes(photos[index].number)));
        show(photos.findIndex(({ number }) => number === numbers[0]));
      },
    };
  }

  /** Photos that the page must not load, by their addresses. */
  function addresses(photos) {
    const items = photos.map(({ name, url, citedBy }) =>
      make(
        'li',
        {},
        make('strong', {}, name),
        make('br'),
        make('span', { class: 'url' }, url),
        make('br'),
        citations(citedBy),
      ),
    );
    return {
      element: make('ul', { class: 'card addresses' }, ...items),
      cite(numbers) {
        items.forEach((item, index) => item.classList.toggle('cited', numbers.includes(photos[index].number)));
      },
    };
  }

  function citations(ids) {
    if (ids.length === 0) return 'No finding cites it.';
    return `Cited by ${ids.length === 1 ? 'finding' : 'findings'} ${ids.join(', ')}.`;
  }

  function findingButton({ id, part, side, end, type, severity, photos, needs_review: review }) {
    const place = [end, side].filter((word) => !['n/a', 'unknown', 'center'].includes(word)).map(words);
    const numbers = photos.map(({ number }) => number).join(', ');
    return make(
      'button',
      { type: 'button', class: severity },
      make(
        'span',
        { class: 'what' },
        `${id}. ${capital(words(part))}${place.length === 0 ? '' : `, ${place.join(' ')}`}`,
      ),
      make('span', {}, `${words(type)} · `, make('strong', { class: `severity ${severity}` }, words(severity))),
      make(
        'span',
        { class: 'mut' },
        `${photos.length === 1 ? 'photo' : 'photos'} ${numbers}${review ? ' · a person should look' : ''}`,
      ),
    );
  }

  function texts({ pending_languages: pending = [] }, descriptions) {
    return make(
      'div',
      { class: 'texts' },
      ...descriptions.map(({ language, damages, fallback: fellBack }) => {
        // Then the text is English, whatever was asked for.
        const english = fellBack === true || pending.includes(language);
        const lang = english ? 'en' : language;
        const dir = RIGHT_TO_LEFT.has(lang.toLowerCase().split('-')[0]) ? 'rtl' : 'ltr';
        const title = english ? `${nameOf(language)} (not ready, so in English)` : nameOf(language);
        return make('article', { class: 'card', lang, dir }, make('h3', {}, title), ...safeNodes(damages));
      }),
    );
  }

  /** The elements of a description. What is neither one of its tags nor one of its five escapes is text as it stands. */
  function safeNodes(html) {
    const root = document.createElement('div');
    let current = root;
    for (const piece of String(html).split(/(<\/?(?:p|ul|li)>)/)) {
      const [, slash, tag] = /^<(\/?)(p|ul|li)>$/.exec(piece) ?? [];
      if (tag === undefined) current.append(unescaped(piece));
      else if (slash === '') current = current.appendChild(document.createElement(tag));
      else if (current.localName === tag) current = current.parentElement;
    }
    return [...root.childNodes];
  }

  function unescaped(text) {
    return text.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ESCAPES[entity]);
  }

  function nameOf(tag) {
    try {
      return new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag;
    } catch {
      return tag;
    }
  }

  function capital(text) {
    return text.slice(0, 1).toUpperCase() + text.slice(1);
  }

  function words(code) {
    return String(code).replaceAll('_', ' ');
  }

  function make(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes ?? {})) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }
})();
