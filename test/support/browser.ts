import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium, type Browser as Chromium, type Page } from 'playwright-core';

interface SentRequest {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly postData: string | null;
}

/** Names of usual windows. */
export const SIZES = { phone: [390, 844], tablet: [820, 1180], desk: [1280, 900], wide: [2200, 1200] } as const;
export type Size = keyof typeof SIZES;
export type Scheme = 'light' | 'dark';

/** A real Chromium without a window, and one page in it. Each request that the page makes is noted. */
export class Browser {
  /** What the page asked for, whether it was answered or not. */
  readonly requests: SentRequest[] = [];
  /** What the page wrote to its console as an error, among it what the Content-Security-Policy refused. */
  readonly complaints: string[] = [];

  private constructor(
    private readonly chromium: Chromium,
    readonly page: Page,
  ) {
    page.on('request', (request) =>
      this.requests.push({ url: request.url(), headers: request.headers(), postData: request.postData() }),
    );
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
  }

  static async start(): Promise<Browser> {
    const executablePath = execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
    const started = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
    // AxeBuilder opens a page of its own beside this one, which only a context allows.
    const context = await started.newContext();
    return new Browser(started, await context.newPage());
  }

  async stop(): Promise<void> {
    await this.chromium.close();
  }

  /** Goes to an address, having forgotten what was noted before. */
  async open(url: string): Promise<void> {
    this.requests.length = 0;
    this.complaints.length = 0;
    await this.page.goto(url);
  }

  /** The value of an expression in the page; a promise's once it is there. */
  run<T>(expression: string): Promise<T> {
    return this.page.evaluate<T>(expression);
  }

  /**
   * Resolves once an expression is true in the page, which is asked again whenever its document changes. The library's
   * own waitForFunction evaluates text within the page, which the pages' policies refuse.
   */
  async until(expression: string): Promise<void> {
    await this.run(`new Promise((resolve) => {
      const look = () => { if (${expression}) { watcher.disconnect(); resolve(true); } };
      const watcher = new MutationObserver(look);
      watcher.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      look();
    })`);
  }

  async window(size: Size, scheme: Scheme): Promise<void> {
    const [width, height] = SIZES[size];
    await this.page.setViewportSize({ width, height });
    await this.page.emulateMedia({ colorScheme: scheme });
  }

  /** Everything that axe-core finds in the page as it is now, in short. */
  async violations(): Promise<string[]> {
    const { violations } = await new AxeBuilder({ page: this.page }).setLegacyMode().analyze();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
  }

  /** Addresses that the page asked for and that are not of this origin. */
  elsewhere(origin: string): string[] {
    return this.requests.map(({ url }) => url).filter((url) => !url.startsWith(`${origin}/`));
  }

  /** Keeps a picture of the whole page in the folder SCREENSHOTS, where it is set. */
  async keep(name: string): Promise<void> {
    const folder = process.env['SCREENSHOTS'];
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  }
}
