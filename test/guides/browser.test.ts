import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GUIDES } from '../docs/page-blocks.js';
import { Browser, SIZES, type Scheme, type Size } from '../support/browser.js';
import { hasInterpreter } from '../support/interpreters.js';
import { TestService } from '../support/service.js';

// Real: Debian's Chromium, the service, axe-core. SCREENSHOTS=<folder> keeps pictures of what it saw.

const WINDOWS = [
  { size: 'desk', scheme: 'light' },
  { size: 'desk', scheme: 'dark' },
  { size: 'phone', scheme: 'light' },
  { size: 'phone', scheme: 'dark' },
] as const;

describe.runIf(hasInterpreter('chromium'))('the guides in a browser', () => {
  let service: TestService;
  let browser: Browser;

  beforeAll(async () => {
    service = await TestService.start();
    browser = await Browser.start();
  });
  afterAll(async () => {
    await browser.stop();
    await service.stop();
  });

  const addresses = GUIDES.map((file) => (file === 'README.md' ? '/docs/guides' : `/docs/guides/${file.slice(0, -3)}`));

  // All guides come from one program and one style, so that each is judged in one of the windows and two in all of them.
  const cases = addresses.flatMap((address, index) =>
    ['/docs/guides', '/docs/guides/signing'].includes(address)
      ? WINDOWS.map((window) => ({ address, ...window }))
      : [{ address, ...WINDOWS[index % WINDOWS.length] }],
  ) as { address: string; size: Size; scheme: Scheme }[];

  it.each(cases)('axe-core finds nothing in $address, $scheme, on a $size', async ({ address, size, scheme }) => {
    await browser.window(size, scheme);
    await browser.open(service.origin + address);
    expect(await browser.violations()).toEqual([]);
    expect(await browser.run('document.documentElement.scrollWidth')).toBeLessThanOrEqual(SIZES[size][0]);
    expect(browser.complaints).toEqual([]);
    expect(browser.elsewhere(service.origin)).toEqual([]);
    await browser.keep(`guide${address.replaceAll('/', '-')}-${size}-${scheme}`);
  });

  it('a guide read from right to left is not cut off, and its code stays from left to right', async () => {
    for (const size of ['desk', 'phone'] as const) {
      await browser.window(size, 'light');
      await browser.open(`${service.origin}/docs/guides/signing`);
      await browser.run(`document.documentElement.dir = 'rtl'`);
      expect(await browser.run('document.documentElement.scrollWidth')).toBeLessThanOrEqual(SIZES[size][0]);
      expect(await browser.run(`getComputedStyle(document.querySelector('pre')).direction`)).toBe('ltr');
      expect(await browser.violations()).toEqual([]);
      await browser.keep(`guide-rtl-${size}`);
    }
  });

  it('the first key leads past the navigation to the text of a guide', async () => {
    await browser.open(`${service.origin}/docs/guides/signing`);
    await browser.page.keyboard.press('Tab');
    expect(await browser.run('document.activeElement.textContent')).toBe('Skip to the text');
    await browser.page.keyboard.press('Enter');
    expect(await browser.run('document.activeElement.id')).toBe('main');
  });
});
