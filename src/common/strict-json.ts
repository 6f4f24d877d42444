import { isUtf8 } from 'node:buffer';
import { JsonTokens } from './json-tokens.js';
import { ServiceError } from './service-error.js';

/** The deepest nesting allowed, the outermost bracket included. Deeper values would overflow recursive code. */
export const MAX_JSON_DEPTH = 32;

/** Python refuses to read integers with more digits, so no client can have signed one. */
const MAX_INTEGER_DIGITS = 4300;

/** @param message - what is wrong and, where known, at which byte */
export function invalidJson(message: string, cause?: unknown): ServiceError {
  return new ServiceError('INVALID_JSON', message, { cause });
}

/**
 * Parses a whole, small document (up to about 1 MiB) by the rules of the contract.
 * @param bytes - UTF-8 without a byte order mark
 * @param name - what the message calls the document, such as "The body"
 * @throws ServiceError INVALID_JSON: bad UTF-8 or syntax, too deep, a repeated key, an integer of too many digits
 */
export function parseStrictJson(bytes: Buffer, name: string): unknown {
  const text = decodeUtf8(bytes, name);
  checkStructure(text, name);
  return parseJson(text, name);
}

/**
 * @throws ServiceError INVALID_JSON: a decoder that replaces bad bytes would sign and store other text than was sent
 */
function decodeUtf8(bytes: Buffer, name: string): string {
  if (!isUtf8(bytes)) throw invalidJson(`${name} is not valid UTF-8.`);
  return bytes.toString('utf8');
}

/** @throws ServiceError INVALID_JSON without V8's own message, which may quote what the client sent */
export function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidJson(`${name} is not valid JSON${whereItBreaks(text, error as SyntaxError)}.`, error);
  }
}

/** Longer documents are not searched: each step of a search reads the document up to there. */
const MAX_SEARCHED = 64 * 1024;
/** What V8 says of a text that was right as far as it went. */
const UNFINISHED = /end of JSON input|Unterminated string/;

/** V8 tells the place of some mistakes only; for others it quotes the text, which must not come back in an answer. */
function whereItBreaks(text: string, error: SyntaxError): string {
  const position = positionOf(error) ?? (text.length > MAX_SEARCHED ? null : firstWrongCharacter(text));
  if (position === null) return '';
  const lines = text.slice(0, position).split('\n');
  return ` (near its line ${lines.length}, character ${(lines.at(-1) ?? '').length + 1})`;
}

function positionOf({ message }: SyntaxError): number | null {
  const position = /at position (\d+)/.exec(message)?.[1];
  return position === undefined ? null : Number(position);
}

/** Cut anywhere before the mistake, a text is only unfinished; cut behind it, it is wrong. */
function firstWrongCharacter(text: string): number {
  let right = 0;
  let wrong = text.length;
  while (right + 1 < wrong) {
    const middle = (right + wrong) >> 1;
    if (beginsRight(text.slice(0, middle))) right = middle;
    else wrong = middle;
  }
  return right;
}

function beginsRight(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    return UNFINISHED.test((error as Error).message) || positionOf(error as SyntaxError) === text.length;
  }
}

/**
 * True when the document holds an integer that Python would refuse. Linear time, and only a few reads for the usual
 * document.
 */
export function hasLongInteger(bytes: Buffer): boolean {
  // A run longer than the step covers a multiple of it: only there the digits need to be counted.
  for (let probe = MAX_INTEGER_DIGITS; probe < bytes.length; probe += MAX_INTEGER_DIGITS) {
    if (!isDigit(bytes[probe])) continue;
    let start = probe;
    let end = probe;
    while (isDigit(bytes[start - 1])) start--;
    while (isDigit(bytes[end])) end++;
    // The run may lie in a string or belong to a float: only then every token is looked at.
    if (end - start > MAX_INTEGER_DIGITS) return findLongInteger(bytes.toString('latin1'));
  }
  return false;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

const LONG_INTEGER = new RegExp(`^-?\\d{${MAX_INTEGER_DIGITS + 1},}$`);

function findLongInteger(text: string): boolean {
  const tokens = new JsonTokens(text);
  while (tokens.next()) if (isLongInteger(tokens)) return true;
  return false;
}

function isLongInteger(tokens: JsonTokens): boolean {
  return tokens.to - tokens.from > MAX_INTEGER_DIGITS && LONG_INTEGER.test(tokens.text);
}

/** The rules that JSON.parse does not have. Syntax is left to it; a text that is not JSON may pass or fail here. */
function checkStructure(text: string, name: string): void {
  const open: (Set<string> | undefined)[] = [];
  const tokens = new JsonTokens(text);
  while (tokens.next()) {
    if (tokens.opens) {
      open.push(tokens.opensObject ? new Set() : undefined);
      if (open.length > MAX_JSON_DEPTH) throw tooDeep(name);
    } else if (tokens.closes) open.pop();
    else if (tokens.isKey) addKey(open.at(-1), tokens.text, name);
    else if (isLongInteger(tokens)) throw longInteger(name);
  }
}

function addKey(keys: Set<string> | undefined, source: string, name: string): void {
  const key = source.includes('\\') ? (parseJson(source, name) as string) : source.slice(1, -1);
  if (keys?.has(key)) throw invalidJson(`${name} repeats the key ${JSON.stringify(key.slice(0, 100))}.`);
  keys?.add(key);
}

export function tooDeep(name: string): ServiceError {
  return invalidJson(`${name} is nested more than ${MAX_JSON_DEPTH} levels deep.`);
}

export function longInteger(name: string): ServiceError {
  return invalidJson(`${name} holds an integer of more than ${MAX_INTEGER_DIGITS} digits.`);
}
