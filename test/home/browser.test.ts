import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_KEY } from '../../src/home/demo-key.js';
import { SAMPLE_CARS } from '../../src/home/sample-cars.js';
import { HOSTILE } from '../assessment/fixtures.js';
import { Browser, SIZES, type Size } from '../support/browser.js';
import { hasInterpreter } from '../support/interpreters.js';
import { SECRETS, TestService } from '../support/service.js';
import { sandboxed } from './sandboxed.js';

// Real: Debian's Chromium, the service, its sandbox, axe-core. SCREENSHOTS=<folder> keeps pictures of what it saw.

const DESCRIBED = `document.getElementById('try-state').textContent.startsWith('200')`;

describe.runIf(hasInterpreter('chromium'))('the home page in a browser', () => {
  let demo: TestService;
  let other: TestService;
  let browser: Browser;

  beforeAll(async () => {
    demo = await TestService.start({ environment: { SHARED_KEYS: '', SHARED_KEY: DEMO_KEY }, change: sandboxed });
    other = await TestService.start({ beside: demo, change: sandboxed });
    browser = await Browser.start();
  });
  afterAll(async () => {
    await browser.stop();
    await other.stop();
    await demo.stop();
  });

  async function open(service: TestService): Promise<void> {
    await browser.open(`${service.origin}/`);
    await browser.until(`document.querySelectorAll('#example article').length === 3`);
  }

  async function submit(fields: string, done = DESCRIBED): Promise<void> {
    await browser.run(`${fields}; document.querySelector('#try-form button.primary').click()`);
    await browser.until(done);
  }

  function expectNoOtherHost(service: TestService): void {
    expect(browser.requests.length).toBeGreaterThan(5);
    expect(browser.elsewhere(service.origin)).toEqual([]);
  }

  const cases = (['light', 'dark'] as const).flatMap((scheme) =>
    Object.keys(SIZES).map((size) => ({ scheme, size: size as Size })),
  );

  it.each(cases)(
    'axe-core finds nothing in the home page, $scheme, on a $size, and nothing is cut off',
    async (seen) => {
      await browser.window(seen.size, seen.scheme);
      await open(demo);
      expect(await browser.violations()).toEqual([]);
      expect(await browser.run('document.documentElement.scrollWidth')).toBeLessThanOrEqual(SIZES[seen.size][0]);
      expect(browser.complaints).toEqual([]);
      expectNoOtherHost(demo);
      await browser.keep(`home-${seen.size}-${seen.scheme}`);
    },
  );

  it.each(SAMPLE_CARS)(
    'the home page sends the $name sample car and shows the answer, with nothing for axe-core',
    async (car) => {
      const scheme = car.name === 'red' ? 'dark' : 'light';
      await browser.window(car.name === 'green' ? 'phone' : 'desk', scheme);
      await open(demo);
      await submit(`document.querySelector('[name=car][value=${car.name}]').click()`);
      const shown = await browser.run<{
        languages: string[];
        dirs: string[];
        photos: number;
        found: number;
        json: string;
      }>(`({
      found: document.querySelectorAll('#answer-lot .findings button').length,
      languages: [...document.querySelectorAll('#answer-lot article')].map(({ lang }) => lang),
      dirs: [...document.querySelectorAll('#answer-lot article')].map(({ dir }) => dir),
      photos: document.querySelectorAll('#answer-lot .strip button').length,
      json: document.getElementById('answer-json').textContent })`);
      expect(shown).toMatchObject({ languages: ['en', 'de', 'ar'], photos: 4, found: car.damages.length });
      expect(shown.dirs).toContain('rtl');
      expect(JSON.parse(shown.json)).toMatchObject({ total_lots: 1 });
      expect(await browser.violations()).toEqual([]);
      expect(browser.complaints).toEqual([]);
      expectNoOtherHost(demo);
      await browser.keep(`answer-${car.name}`);
    },
  );

  it('a pasted address goes to the service and is never loaded by the page', async () => {
    await browser.window('desk', 'light');
    await open(demo);
    const secret = `document.querySelector('[name=car][value=""]').click()`;
    await submit(
      `${secret}; document.getElementById('urls').value = ${JSON.stringify(`${demo.urls.car}\n\n ${demo.urls.other} `)}`,
    );
    const named = await browser.run<string[]>(
      `[...document.querySelectorAll('.addresses .url')].map((e) => e.textContent)`,
    );
    expect(named).toEqual([demo.urls.car, demo.urls.other]);
    expect(await browser.violations()).toEqual([]);
    expectNoOtherHost(demo);
    await browser.keep('answer-own');
  });

  it('an address without a photo is named with its reason', async () => {
    await open(demo);
    const gone = new URL('/gone.jpg', demo.urls.car).href;
    await submit(
      `document.querySelector('[name=car][value=""]').click(); document.getElementById('urls').value = ${JSON.stringify(gone)}`,
      `document.getElementById('try-state').textContent.startsWith('400')`,
    );
    const named = await browser.run<string[]>(
      `[...document.querySelectorAll('#answer .problems li')].map((e) => e.textContent)`,
    );
    expect(named).toEqual([expect.stringMatching(`^[a-z ]+: ${gone}$`)]);
    expectNoOtherHost(demo);
  });

  it('a typed secret signs in the page and is neither sent nor written into a program', async () => {
    await browser.window('desk', 'light');
    await open(other);
    const wrong = 'x'.repeat(40);
    await submit(
      `document.getElementById('secret').value = '${wrong}'`,
      `document.getElementById('try-state').textContent.startsWith('403')`,
    );
    expect(await browser.violations()).toEqual([]);
    await browser.keep('answer-refused');
    await submit(`document.getElementById('secret').value = '${SECRETS.acme}'`);
    const text = await browser.run<string>('document.documentElement.outerHTML');
    for (const secret of [wrong, SECRETS.acme]) {
      expect(JSON.stringify(browser.requests)).not.toContain(secret);
      expect(text).not.toContain(secret);
    }
    expect(await browser.run('[localStorage.length, sessionStorage.length, document.cookie]')).toEqual([0, 0, '']);
    expectNoOtherHost(other);
  });

  it('photos that allow no statement are not called undamaged', async () => {
    await open(demo);
    const grey = `document.querySelector('[name=car][value=""]').click()`;
    await submit(`${grey}; document.getElementById('urls').value = ${JSON.stringify(demo.urls.grey)}`);
    expect(
      await browser.run(
        `document.querySelector('#answer-lot aside, #answer-lot .look > .card:last-child').textContent`,
      ),
    ).toContain('These photos allow no statement');
  });

  it('hostile strings of an answer stay text', async () => {
    await open(demo);
    const strings = [...HOSTILE, '<p onclick=alert(1)>a</p><ul><li><a href="javascript:alert(1)">b</a></li></ul>'];
    const { elements, attributes, text } = await browser.run<{
      elements: string[];
      attributes: string[];
      text: string;
    }>(`(() => {
      const strings = ${JSON.stringify(strings)};
      const place = document.createElement('div');
      document.body.append(place);
      const seen = { elements: [], attributes: [], text: '' };
      for (const hostile of strings) {
        const photo = { number: 1, url: hostile, view: hostile };
        const finding = { id: 1, part: hostile, side: hostile, end: hostile, type: hostile, severity: hostile, photos: [photo] };
        window.showLot(place, { pending_languages: [], photo_problems: [{ url: hostile, reason: hostile }],
          needs_review: { value: true, reasons: [hostile] }, descriptions: [{ language: 'en', damages: hostile }, { language: hostile, damages: 'x' }],
          assessment: { photos: [photo], findings: [finding], not_visible: [hostile] } }, () => null);
        for (const element of place.querySelectorAll('*')) {
          seen.elements.push(element.localName);
          seen.attributes.push(...[...element.attributes].map(({ name }) => name));
        }
        seen.text += place.textContent;
      }
      return seen;
    })()`);
    const safe = ['article', 'br', 'button', 'div', 'h3', 'li', 'ol', 'p', 'span', 'strong', 'ul'];
    expect([...new Set(elements)].filter((name) => !safe.includes(name))).toEqual([]);
    expect([...new Set(attributes)].toSorted()).toEqual(['aria-pressed', 'class', 'dir', 'lang', 'type']);
    expect(text).toContain('<script>alert(1)</script>');
    expect(browser.complaints).toEqual([]);
    expectNoOtherHost(demo);
  });
});
