import { CODES } from '../common/character-codes.js';
import { endOfString } from '../common/json-tokens.js';
import { pythonFloat } from './python-float.js';

const {
  CAPITAL_E,
  CARRIAGE_RETURN,
  CLOSING_BRACE,
  CLOSING_BRACKET,
  COMMA,
  LINE_FEED,
  MINUS,
  NINE,
  OPENING_BRACE,
  OPENING_BRACKET,
  PLUS,
  POINT,
  QUOTE,
  SMALL_E,
  SMALL_F,
  SMALL_N,
  SMALL_T,
  SPACE,
  TAB,
  ZERO,
} = CODES;

/**
 * The canonical form that the lots signature covers: exactly what Python's `json.dumps(json.loads(x), separators=(',',
 * ':'), sort_keys=True)` prints.
 *
 * It is made from the source text, because `JSON.parse` loses what Python prints: it reads `1.0` and `1` as the same
 * number, integers above 2^53 lose digits, and integer-like keys change their order. Reading the text again costs no
 * more than walking the parsed value did (64 MB of lots: 0.3 s either way), so no second, faster way is needed that
 * could differ from it.
 *
 * @param source - one valid JSON value (`JSON.parse` took it), at most 32 levels deep: this recurses
 * @returns ASCII text
 * @throws SyntaxError for some texts that are not JSON; it does not find all of them
 */
export function canonicalValue(source: string): string {
  return new SourceReader(source).value();
}

const PLAIN = /^[ !#-[\]-~]*$/;

/** Emits while it reads: no number becomes a JavaScript number unless Python makes it a float. */
class SourceReader {
  private position = 0;

  constructor(private readonly source: string) {}

  value(): string {
    switch (this.peek()) {
      case OPENING_BRACE:
        return this.object();
      case OPENING_BRACKET:
        return this.array();
      case QUOTE:
        return quoteInside(this.string());
      case SMALL_T:
        return this.word('true');
      case SMALL_F:
        return this.word('false');
      case SMALL_N:
        return this.word('null');
      default:
        return this.number();
    }
  }

  private object(): string {
    const members = new Map<string, string>();
    this.position++;
    while (this.peek() !== CLOSING_BRACE) {
      if (this.peek() === COMMA) {
        this.position++;
        this.peek();
      }
      const key = unescape(this.string());
      this.peek();
      this.position++; // the colon
      members.set(key, this.value());
    }
    this.position++;
    let text = '{';
    for (const key of sortKeys([...members.keys()])) {
      text += `${text.length > 1 ? ',' : ''}${quote(key)}:${members.get(key)}`;
    }
    return text + '}';
  }

  private array(): string {
    let text = '[';
    this.position++;
    while (this.peek() !== CLOSING_BRACKET) {
      if (this.peek() === COMMA) this.position++;
      text += (text.length > 1 ? ',' : '') + this.value();
    }
    this.position++;
    return text + ']';
  }

  /** What lies between the quotes of the string that starts here, as written. */
  private string(): string {
    const start = this.position;
    const end = endOfString(this.source, start);
    // Without this check a source that is not JSON would be read endlessly.
    if (end < 0) throw new SyntaxError('a JSON string has no end');
    this.position = end;
    return this.source.slice(start + 1, end - 1);
  }

  private number(): string {
    const { source, position: start } = this;
    const whole = source.charCodeAt(start) === MINUS ? start + 1 : start;
    const point = this.endOfDigits(whole);
    if (point === whole) throw new SyntaxError('a JSON value was expected');
    const hasFraction = source.charCodeAt(point) === POINT;
    let end = hasFraction ? this.endOfDigits(point + 1) : point;
    let power = end;
    const letter = source.charCodeAt(end);
    const hasPower = letter === SMALL_E || letter === CAPITAL_E;
    if (hasPower) {
      power = end + 1;
      const sign = source.charCodeAt(power);
      end = this.endOfDigits(sign === PLUS || sign === MINUS ? power + 1 : power);
    }
    this.position = end;
    const token = source.slice(start, end);
    if (!hasFraction && !hasPower) return token === '-0' ? '0' : token;
    const fraction = hasFraction ? source.slice(point + 1, hasPower ? power - 1 : end) : '';
    return pythonFloat(token, source.slice(whole, point), fraction, hasPower ? source.slice(power, end) : '');
  }

  private endOfDigits(from: number): number {
    let at = from;
    for (;;) {
      const unit = this.source.charCodeAt(at);
      // Behind the end this is NaN, and every comparison with NaN is false.
      if (!(unit >= ZERO && unit <= NINE)) return at;
      at++;
    }
  }

  private word(word: string): string {
    this.position += word.length;
    return word;
  }

  /** The next character that is not white space; NaN at the end. */
  private peek(): number {
    for (; ; this.position++) {
      const unit = this.source.charCodeAt(this.position);
      if (unit !== SPACE && unit !== LINE_FEED && unit !== CARRIAGE_RETURN && unit !== TAB) return unit;
    }
  }
}

const BEYOND_ASCII = /[\u007f-\uffff]+/g;

/** The canonical string of what a source text has between two quotes. */
function quoteInside(inside: string): string {
  return PLAIN.test(inside) ? `"${inside}"` : escape(unescape(inside));
}

function unescape(inside: string): string {
  return inside.includes('\\') ? (JSON.parse(`"${inside}"`) as string) : inside;
}

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : escape(text);
}

/** JSON.stringify already escapes like Python below U+007F, lone surrogates included. */
function escape(text: string): string {
  return JSON.stringify(text).replace(BEYOND_ASCII, escapeUnits);
}

/** Escapes a run of characters at a time: one call for each character took three times as long for Cyrillic text. */
function escapeUnits(units: string): string {
  let escaped = '';
  for (let index = 0; index < units.length; index++) {
    escaped += '\\u' + units.charCodeAt(index).toString(16).padStart(4, '0');
  }
  return escaped;
}

const SURROGATE_OR_ABOVE = /[\ud800-\uffff]/;

/** Sorts in place by code point. UTF-16 order differs from it only where surrogates meet U+E000 to U+FFFF. */
function sortKeys(keys: string[]): string[] {
  if (keys.length < 2) return keys;
  return keys.some((key) => SURROGATE_OR_ABOVE.test(key)) ? keys.sort(compareCodePoints) : keys.sort();
}

function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    if (left.charCodeAt(index) === right.charCodeAt(index)) continue;
    // The first difference may lie in the second half of a pair: then both pairs begin one unit earlier.
    const start = index > 0 && isPairAt(left, right, index - 1) ? index - 1 : index;
    return (left.codePointAt(start) as number) - (right.codePointAt(start) as number);
  }
  return left.length - right.length;
}

/** True when the code point that holds `index` + 1 starts at `index` in either string. */
function isPairAt(left: string, right: string, index: number): boolean {
  return (left.codePointAt(index) as number) > 0xffff || (right.codePointAt(index) as number) > 0xffff;
}
