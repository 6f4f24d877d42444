import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'undici';

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** A real Chromium without a window, driven over its own protocol. One page; each request that it makes is noted. */
export class Browser {
  /** What the page asked for, whether it was answered or not. */
  readonly requests: { readonly url: string; readonly headers: Record<string, string>; readonly postData?: string }[] =
    [];
  /** What the page wrote to its console as an error, among it what the Content-Security-Policy refused. */
  readonly complaints: string[] = [];
  private readonly waiting = new Map<
    number,
    { done: (result: Message['result']) => void; failed: (e: Error) => void }
  >();
  private readonly watchers = new Set<(message: Message) => void>();
  private sent = 0;
  private session = '';

  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: string,
    private readonly socket: WebSocket,
  ) {
    socket.addEventListener('message', ({ data }) => this.take(JSON.parse(String(data)) as Message));
  }

  static async start(): Promise<Browser> {
    const folder = mkdtempSync(join(tmpdir(), 'home-browser-'));
    const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];
    const quiet = ['--disable-background-networking', '--disable-component-update', '--no-default-browser-check'];
    const child = spawn(
      'chromium',
      [...flags, ...quiet, `--user-data-dir=${folder}`, '--remote-debugging-port=0', 'about:blank'],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    const address = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stderr.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        const found = /DevTools listening on (\S+)/.exec(text)?.[1];
        if (found !== undefined) resolve(found);
      });
      child.once('exit', () => reject(new Error(`chromium ended: ${text}`)));
    });
    const socket = new WebSocket(address);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', () => reject(new Error('chromium takes no connection')));
    });
    const browser = new Browser(child, folder, socket);
    await browser.openPage();
    return browser;
  }

  async stop(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.socket.close();
    this.process.kill('SIGKILL');
    await ended;
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.sent;
    const answer = new Promise<Message['result']>((done, failed) => this.waiting.set(id, { done, failed }));
    this.socket.send(JSON.stringify({ id, method, params, ...(this.session !== '' && { sessionId: this.session }) }));
    return (await answer) ?? {};
  }

  /** Goes to an address and waits until the page has loaded all that it names. */
  async go(url: string): Promise<void> {
    const loaded = this.event('Page.loadEventFired');
    await this.send('Page.navigate', { url });
    await loaded;
  }

  /** The value of an expression in the page; a promise's once it is there. */
  async run<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = (await this.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })) as { result: { value: T }; exceptionDetails?: { exception?: { description?: string } } };
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? expression);
    return result.value;
  }

  /** Resolves once an expression is true in the page, which is asked again whenever its document changes. */
  async until(expression: string): Promise<void> {
    await this.run(`new Promise((resolve) => {
      const look = () => { if (${expression}) { watcher.disconnect(); resolve(true); } };
      const watcher = new MutationObserver(look);
      watcher.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      look();
    })`);
  }

  async window(width: number, height: number, scheme: 'light' | 'dark'): Promise<void> {
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
  }

  /** The whole page as PNG. */
  async picture(): Promise<Buffer> {
    const { data } = await this.send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true });
    return Buffer.from(String(data), 'base64');
  }

  private async openPage(): Promise<void> {
    const { targetInfos } = (await this.send('Target.getTargets')) as {
      targetInfos: { type: string; targetId: string }[];
    };
    const page = targetInfos.find(({ type }) => type === 'page');
    const { sessionId } = await this.send('Target.attachToTarget', { targetId: page?.targetId, flatten: true });
    this.session = String(sessionId);
    for (const domain of ['Page', 'Network', 'Runtime', 'Log']) await this.send(`${domain}.enable`);
  }

  private event(name: string): Promise<void> {
    return new Promise((resolve) => {
      const watch = ({ method }: Message) => {
        if (method !== name) return;
        this.watchers.delete(watch);
        resolve();
      };
      this.watchers.add(watch);
    });
  }

  private take(message: Message): void {
    if (message.id !== undefined) {
      const waiter = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.error !== undefined) waiter?.failed(new Error(message.error.message));
      else waiter?.done(message.result);
      return;
    }
    if (message.method === 'Network.requestWillBeSent') {
      this.requests.push((message.params as unknown as { request: Browser['requests'][number] }).request);
    }
    if (message.method === 'Log.entryAdded') {
      const { entry } = message.params as { entry: { level: string; text: string } };
      if (entry.level === 'error') this.complaints.push(entry.text);
    }
    if (message.method === 'Runtime.exceptionThrown') this.complaints.push(JSON.stringify(message.params));
    for (const watch of this.watchers) watch(message);
  }
}
