import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ChunkJoiner, type Joined } from './chunk-joiner.js';
import { FIRST, type Reader, REFUSED, REST, type Task, type Turns } from './turns.js';

const HEADERS_END = '\r\n\r\n';
/** GET requests are small and without a body, and the probes of the service's health are GETs. */
const LETTER_G = 0x47;
/** The most bytes handed to the parser at once, and the lower limit to which this is halved when parsing takes long. */
const MAX_SLICE_BYTES = 64 * 1024;
const MIN_SLICE_BYTES = 512;
const FIRST_SLICE_BYTES = 4 * 1024;
/**
 * A slice that takes longer than this is halved the next time. How long its content takes cannot be known in advance.
 */
const SLOW_SLICE_MS = 1;

/** What one connection needs from the set of all connections. */
export interface ConnectionHost {
  readonly turns: Turns;
  /** The bytes of the refusal, when the headers alone are enough to refuse the request now. */
  refusal(head: string, socket: Socket): string | null;
  /** Makes Node read the connection as HTTP. @returns a function that hands bytes to Node's parser */
  open(connection: Connection): (bytes: Buffer) => void;
  /** The connection was refused and will be closed soon. */
  refused(connection: Connection): void;
  /** Whether there is room to keep bytes that were read until their turn; otherwise they must be parsed at once. */
  mayWait(bytes: number): boolean;
  /** This many bytes wait no longer; a negative number means that more are waiting. */
  waited(bytes: number): void;
}

/**
 * The kernel's side of a socket: `pause()` alone would still read once more, 64 KB for each of thousands of sockets.
 */
interface Handled {
  readonly _handle?: { readStop?(): void; readStart?(): void } | null;
}

/**
 * One client's connection between the socket and Node's HTTP parser. Until the client has sent a correct signature, its
 * bytes are parsed in short turns, headers first, so that no client can block the event loop.
 */
export class Connection implements Task, Reader {
  isProven = false;
  /** Its address sent a correct signature before, so it does not wait for turns. */
  isKnown = false;
  /** Requests that are being answered. */
  busy = 0;
  /** Bytes handed to the parser after the headers of the latest request. */
  bodyBytes = 0;
  /** Bytes received after a refusal. */
  discardedBytes = 0;
  private request: IncomingMessage | undefined;
  /** The joiner of the chunked body that is being received. */
  private joiner: ChunkJoiner | undefined;
  /** The latest bytes parsed outside of bodies, because the end of the headers may arrive in two pieces. */
  private latest = '';
  private waiting: Buffer[] = [];
  private sliceBytes = FIRST_SLICE_BYTES;
  /** True while nothing is read from the kernel. */
  private isStopped = false;
  /** True while it waits for its turn to read. */
  isToRead = false;
  private onDiscarded: ((bytes: number) => void) | undefined;

  /** Hands bytes to Node's HTTP parser; set when the first bytes are to be parsed. */
  private parse: ((bytes: Buffer) => void) | undefined;

  constructor(
    readonly socket: Socket,
    private readonly host: ConnectionHost,
  ) {}

  /** Bytes from the client. */
  receive(chunk: Buffer): void {
    if (!this.isProven && !this.isKnown) this.stopReading();
    this.take(chunk);
    if (this.waiting.length === 0 && !this.socket.isPaused()) this.readInTurn();
  }

  private take(chunk: Buffer): void {
    if (this.onDiscarded !== undefined) return this.onDiscarded(chunk.length);
    const parse = this.parse ?? this.begun(chunk);
    if (parse === null) return;
    if (this.waiting.length === 0) {
      if (this.isTrusted) return parse(chunk);
      const { turns } = this.host;
      if (this.isKnown || turns.isFree || !this.host.mayWait(chunk.length)) {
        let rest = chunk;
        turns.now(() => (rest = this.parseSlice(chunk)));
        while (rest.length > 0 && (this.isKnown || turns.isFree) && !this.isPaused && !this.isEnded) {
          const slice = rest;
          turns.now(() => (rest = this.parseSlice(slice)));
        }
        if (rest.length > 0) this.keep(rest, chunk);
        return;
      }
    }
    this.keep(chunk, chunk);
  }

  /** The first bytes. If they are enough to refuse the request, no parser and no request is created. */
  private begun(chunk: Buffer): ((bytes: Buffer) => void) | null {
    const end = chunk.indexOf(HEADERS_END);
    const refusal = end < 0 ? null : this.host.refusal(chunk.toString('latin1', 0, end), this.socket);
    if (refusal === null) return (this.parse = this.host.open(this));
    this.onDiscarded = (bytes) => (this.discardedBytes += bytes);
    this.socket.end(refusal);
    this.host.refused(this);
    return null;
  }

  /** From now on received bytes are counted and thrown away; waiting bytes are thrown away at once. */
  discard(onBytes: (bytes: number) => void): void {
    this.onDiscarded = onBytes;
    const bytes = this.dropWaiting();
    if (bytes > 0) onBytes(bytes);
    this.goOn();
  }

  get isDiscarding(): boolean {
    return this.onDiscarded !== undefined;
  }

  /** The parser has found a request. */
  begin(request: IncomingMessage): void {
    this.busy += 1;
    this.request = request;
    this.bodyBytes = 0;
    const isChunked = request.headers['transfer-encoding'] !== undefined;
    this.joiner = isChunked && !this.isProven ? new ChunkJoiner() : undefined;
    request.on('resume', () => this.wake());
  }

  /** A request was answered, or its client is gone. */
  end(): void {
    this.busy -= 1;
    this.wake();
  }

  closed(): void {
    this.dropWaiting();
    this.host.turns.delete(this);
  }

  turn(): boolean {
    const [chunk] = this.waiting;
    if (chunk === undefined || this.isEnded) {
      this.dropWaiting();
      return false;
    }
    if (this.isPaused) return false;
    const rest = this.isTrusted ? this.parseAll(chunk) : this.parseSlice(chunk);
    // If the connection was refused meanwhile, all waiting bytes have been dropped.
    if (this.waiting[0] !== chunk) return this.waiting.length > 0;
    if (rest.length > 0) this.waiting[0] = rest;
    else {
      this.waiting.shift();
      this.host.waited(chunk.buffer.byteLength);
    }
    if (this.waiting.length > 0) return !this.isPaused;
    this.goOn();
    return false;
  }

  private wake(): void {
    if (this.waiting.length > 0) this.host.turns.add(this, false);
  }

  private parseAll(chunk: Buffer): Buffer {
    this.parse?.(chunk);
    return chunk.subarray(chunk.length);
  }

  /** Hands on the headers alone, so that a request can be refused before any of its body is parsed. */
  private parseSlice(chunk: Buffer): Buffer {
    const isBody = this.isInBody;
    const slice = chunk.subarray(0, this.sliceBytes);
    const { bytes, length } = isBody ? this.ofBody(slice) : this.ofHead(slice);
    const started = performance.now();
    if (bytes.length > 0) this.parse?.(bytes);
    if (isBody) {
      this.bodyBytes += length;
      this.adapt(performance.now() - started);
    }
    return chunk.subarray(length);
  }

  private ofBody(slice: Buffer): Joined {
    return this.joiner?.join(slice) ?? { bytes: slice, length: slice.length };
  }

  private ofHead(slice: Buffer): Joined {
    const across = (this.latest + slice.toString('latin1', 0, HEADERS_END.length - 1)).indexOf(HEADERS_END);
    const found = across >= 0 ? across - this.latest.length : slice.indexOf(HEADERS_END);
    const isWhole = across >= 0 || found >= 0;
    const bytes = isWhole ? slice.subarray(0, found + HEADERS_END.length) : slice;
    const latest = this.latest + bytes.toString('latin1', Math.max(0, bytes.length - HEADERS_END.length + 1));
    this.latest = isWhole ? '' : latest.slice(1 - HEADERS_END.length);
    return { bytes, length: bytes.length };
  }

  private adapt(tookMs: number): void {
    this.sliceBytes =
      tookMs > SLOW_SLICE_MS
        ? Math.max(MIN_SLICE_BYTES, this.sliceBytes / 2)
        : Math.min(MAX_SLICE_BYTES, this.sliceBytes * 2);
  }

  private get isInBody(): boolean {
    return this.request !== undefined && !this.request.complete;
  }

  /** From now on bytes are parsed at once and unchanged; a body that began before is finished the way it began. */
  private get isTrusted(): boolean {
    return this.isProven && (this.joiner === undefined || !this.isInBody);
  }

  /** The reader of the body wants no more for now, or there is no reader yet. */
  private get isPaused(): boolean {
    return this.isInBody && this.request?.readableFlowing !== true;
  }

  private get isEnded(): boolean {
    return this.socket.destroyed || this.onDiscarded !== undefined;
  }

  private keep(rest: Buffer, chunk: Buffer): void {
    if (this.isEnded) return;
    this.waiting.push(rest);
    this.host.waited(-chunk.buffer.byteLength);
    this.stop();
    this.host.turns.add(this, !this.isInBody && rest[0] === LETTER_G);
  }

  private stop(): void {
    this.socket.pause();
    this.stopReading();
  }

  private stopReading(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    (this.socket as Handled)._handle?.readStop?.();
  }

  private goOn(): void {
    if (this.socket.destroyed) return;
    // Node itself goes on once the request has room for more.
    if (this.isInBody && this.request !== undefined && isFull(this.request) && !this.isDiscarding) return;
    this.socket.resume();
    this.resumed();
  }

  /** The socket was resumed, by us or by Node. */
  resumed(): void {
    if (this.waiting.length > 0) this.socket.pause();
    else this.readInTurn();
  }

  /** The connection has just been accepted. */
  readFirstInTurn(): void {
    this.stopReading();
    this.readInTurn();
  }

  /** Reads nothing until its turn, and then as much as Node reads at once. */
  private readInTurn(): void {
    if (!this.isStopped || this.isToRead || this.socket.destroyed) return;
    this.isToRead = true;
    const rank = this.parse === undefined ? FIRST : REST;
    this.host.turns.addReader(this, this.isDiscarding ? REFUSED : rank);
  }

  read(): void {
    this.isToRead = false;
    if (this.socket.destroyed || this.waiting.length > 0 || this.socket.isPaused()) return;
    this.isStopped = false;
    (this.socket as Handled)._handle?.readStart?.();
  }

  private dropWaiting(): number {
    let bytes = 0;
    for (const chunk of this.waiting) {
      bytes += chunk.length;
      this.host.waited(chunk.buffer.byteLength);
    }
    this.waiting = [];
    return bytes;
  }
}

function isFull(request: IncomingMessage): boolean {
  return request.readableLength >= request.readableHighWaterMark;
}
