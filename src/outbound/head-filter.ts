import type { Socket } from 'node:net';
import { endOfHead, readHead } from './answer-head.js';

/** Longest head that is read; curl takes 300 KB of them, browsers 256 KB. */
const MAX_HEAD_BYTES = 64 * 1024;
/** All announcements and the head together: a server may not send them for as long as the deadline runs. */
const MAX_HEADS_BYTES = 256 * 1024;

const NOTHING = Buffer.alloc(0);

const START = 'HTTP/';

/** False as soon as the bytes cannot be HTTP: a server of another protocol may wait for us while we wait for it. */
function startsLikeAnswer(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, START.length).toUpperCase();
  return START.startsWith(start);
}

/** The answer's head is too long or is not one. The code is undici's own, which `exchange` reads. */
class HeadError extends Error {
  readonly code = 'UND_ERR_HEADERS_OVERFLOW';
}

/**
 * Stands between a connection and undici's parser, which reads by `socket.read()`. Heads on which the parser would fail
 * are rewritten in valid form, announcements are removed, and bodies pass unchanged.
 */
export class HeadFilter {
  private expecting = false;
  private held: Buffer = NOTHING;
  private seen = 0;

  constructor(private readonly socket: Socket) {
    const read = socket.read.bind(socket) as (size?: number) => Buffer | null;
    socket.read = (size?: number): Buffer | null => {
      for (;;) {
        const chunk = read(size);
        if (chunk === null) return null;
        const passed = this.expecting ? this.pass(chunk) : chunk;
        if (passed.length > 0) return passed;
      }
    };
  }

  /** A request is about to be written, so the next bytes received are a head. */
  expectHead(): void {
    this.expecting = true;
    this.held = NOTHING;
    this.seen = 0;
  }

  /** @returns the bytes that undici may read now; empty while the head is not complete */
  private pass(chunk: Buffer): Buffer {
    let bytes = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    for (;;) {
      // Empty lines before an answer are left over from the one before.
      while (bytes[0] === 0x0d || bytes[0] === 0x0a) bytes = bytes.subarray(1);
      const end = endOfHead(bytes);
      const length = end === -1 ? bytes.length : end;
      if (!startsLikeAnswer(bytes)) return this.giveUp();
      if (length > MAX_HEAD_BYTES || this.seen + length > MAX_HEADS_BYTES) return this.giveUp();
      if (end === -1) {
        this.held = bytes;
        return NOTHING;
      }
      const head = readHead(bytes.subarray(0, end), this.seen > 0);
      const rest = bytes.subarray(end);
      switch (head.kind) {
        case 'interim':
          this.seen += end;
          bytes = rest;
          continue;
        case 'unusable':
          return this.giveUp();
        case 'plain':
        case 'odd':
          this.expecting = false;
          this.held = NOTHING;
          return head.kind === 'plain' ? bytes : Buffer.concat([head.head, rest]);
      }
    }
  }

  private giveUp(): Buffer {
    this.held = NOTHING;
    this.expecting = false;
    this.socket.destroy(new HeadError('the answer has no head that can be read'));
    return NOTHING;
  }
}
