import { CODES } from './character-codes.js';

const {
  BACKSLASH,
  CARRIAGE_RETURN,
  CLOSING_BRACE,
  CLOSING_BRACKET,
  COLON,
  COMMA,
  LINE_FEED,
  OPENING_BRACE,
  OPENING_BRACKET,
  QUOTE,
  SPACE,
  TAB,
} = CODES;

const COLON_NEXT = /[ \t\n\r]*:/y;

/**
 * Walks over the tokens of a JSON text, for rules that JSON.parse does not check: depth, repeated keys, the digits of a
 * number. Syntax is left to JSON.parse: the tokens of a text that is not JSON mean nothing.
 */
export class JsonTokens {
  /** Where the token begins and ends; a string's quotes are part of it. */
  from = 0;
  to = 0;
  private unit = Number.NaN;

  constructor(private readonly source: string) {}

  /** Goes on to the next bracket, string, number or word. @returns false at the end */
  next(): boolean {
    const { source } = this;
    for (let at = this.to; at < source.length; at++) {
      const unit = source.charCodeAt(at);
      if (isBetween(unit)) continue;
      this.from = at;
      this.unit = unit;
      if (unit === QUOTE) {
        const end = endOfString(source, at);
        this.to = end < 0 ? source.length : end;
      } else if (isBracket(unit)) this.to = at + 1;
      else this.to = endOfWord(source, at);
      return true;
    }
    return false;
  }

  /** As it was written. */
  get text(): string {
    return this.source.slice(this.from, this.to);
  }

  get opens(): boolean {
    return this.unit === OPENING_BRACE || this.unit === OPENING_BRACKET;
  }

  get closes(): boolean {
    return this.unit === CLOSING_BRACE || this.unit === CLOSING_BRACKET;
  }

  get opensObject(): boolean {
    return this.unit === OPENING_BRACE;
  }

  get isString(): boolean {
    return this.unit === QUOTE;
  }

  /** A string before a colon. */
  get isKey(): boolean {
    if (!this.isString) return false;
    COLON_NEXT.lastIndex = this.to;
    return COLON_NEXT.test(this.source);
  }
}

/**
 * @param start - where a string's opening quote stands
 * @returns the position behind its closing quote, or -1 when it has none
 */
export function endOfString(source: string, start: number): number {
  for (let quote = source.indexOf('"', start + 1); quote >= 0; quote = source.indexOf('"', quote + 1)) {
    let escapes = quote;
    while (source.charCodeAt(escapes - 1) === BACKSLASH) escapes--;
    if ((quote - escapes) % 2 === 0) return quote + 1;
  }
  return -1;
}

/** Whether more brackets than `most` are open at once anywhere, the outermost included. */
export function isDeeperThan(most: number, source: string): boolean {
  const tokens = new JsonTokens(source);
  for (let depth = 0; tokens.next();) {
    if (tokens.closes) depth--;
    else if (tokens.opens && ++depth > most) return true;
  }
  return false;
}

/**
 * The source text of a primitive member at the top level of a JSON object, as it was sent: JSON.parse alone cannot tell 1 from 1.0
 * and drops digits beyond 2^53.
 * @param source - a valid JSON object
 * @returns the token of the last member of that name, or null
 */
export function topLevelToken(source: string, name: string): string | null {
  const tokens = new JsonTokens(source);
  let key: string | null = null;
  let found: string | null = null;
  for (let depth = 0; tokens.next();) {
    if (tokens.opens) depth++;
    else if (tokens.closes) {
      depth--;
      // A value that is an object or an array ends its member without a token.
      if (depth === 1) key = null;
    } else if (depth === 1) {
      // Tokens at depth 1 alternate: a key, then (unless a bracket opens) its value.
      if (key === null) key = JSON.parse(tokens.text) as string;
      else {
        if (key === name) found = tokens.text;
        key = null;
      }
    }
  }
  return found;
}

function endOfWord(source: string, start: number): number {
  let at = start + 1;
  for (; at < source.length; at++) {
    const unit = source.charCodeAt(at);
    if (unit === QUOTE || isBetween(unit) || isBracket(unit)) break;
  }
  return at;
}

function isBetween(unit: number): boolean {
  return unit === COMMA || unit === COLON || isSpace(unit);
}

function isBracket(unit: number): boolean {
  return unit === OPENING_BRACE || unit === CLOSING_BRACE || unit === OPENING_BRACKET || unit === CLOSING_BRACKET;
}

/** A JSON object: neither null nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** White space between the tokens of JSON. */
export function isSpace(byte: number): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB;
}

/** The bytes without white space around them. */
export function trim(source: Buffer): Buffer {
  let start = 0;
  let end = source.length;
  while (start < end && isSpace(source[start] as number)) start++;
  while (end > start && isSpace(source[end - 1] as number)) end--;
  return source.subarray(start, end);
}
