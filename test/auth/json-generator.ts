/** Makes JSON source text in all its odd forms; the same seed makes the same documents. */
export class JsonGenerator {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** A whole number from 0 to `below` - 1. */
  below(below: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  value(depth = 0): string {
    const kind = this.below(depth > 5 ? 6 : 10);
    if (kind < 2) return this.string();
    if (kind < 5) return this.number();
    if (kind === 5) return this.pick(['true', 'false', 'null']);
    return kind < 8 ? this.object(depth) : this.array(depth);
  }

  object(depth = 0): string {
    const members = Array.from({ length: this.below(6) }, () => {
      return `${this.space()}${this.key()}${this.space()}:${this.space()}${this.value(depth + 1)}${this.space()}`;
    });
    return `{${members.length === 0 ? this.space() : members.join(',')}}`;
  }

  array(depth = 0): string {
    const items = Array.from({ length: this.below(5) }, () => `${this.space()}${this.value(depth + 1)}${this.space()}`);
    return `[${items.length === 0 ? this.space() : items.join(',')}]`;
  }

  /** A lot like those that clients send, so that the fast path is used as well. */
  lot(): string {
    const images = Array.from({ length: this.below(4) }, () => `{"url":${this.string()}}`);
    const members = [
      `"lot_id":${this.chance(70) ? this.string() : this.pick(['7', '12', '123456789012345'])}`,
      `"images":[${images.join(',')}]`,
      ...(this.chance(50) ? [`"additional_info":${this.string()}`] : []),
      ...(this.chance(30) ? [`"year":${this.pick(['2021', '0', '-5', '1e3', '2.50', '-0'])}`] : []),
      ...(this.chance(20) ? [`${this.key()}:${this.value(3)}`] : []),
    ];
    return `{${members.sort(() => this.below(3) - 1).join(',')}}`;
  }

  string(): string {
    let inside = '';
    for (let count = this.below(8); count > 0; count--) inside += this.piece();
    return `"${inside}"`;
  }

  number(): string {
    const sign = this.chance(30) ? '-' : '';
    const whole = this.pick([() => '0', () => this.digits(1 + this.below(4)), () => this.digits(1 + this.below(40))])();
    const fraction = this.chance(40) ? `.${this.anyDigits(1 + this.below(this.pick([3, 20, 40])))}` : '';
    const size = this.pick([2, 10, 30, 330, 500]);
    const exponent = this.chance(35) ? `${this.pick(['e', 'E'])}${this.pick(['', '+', '-'])}${this.below(size)}` : '';
    return sign + this.pick([whole + fraction + exponent, whole + fraction + exponent, this.pick(FAMOUS_NUMBERS)]);
  }

  space(): string {
    return this.chance(80) ? '' : this.pick([' ', '\n', '\t', '\r\n', '  ']);
  }

  private key(): string {
    return this.chance(60) ? this.pick(AWKWARD_KEYS) : this.string();
  }

  private digits(length: number): string {
    return String(1 + this.below(9)) + this.anyDigits(length - 1);
  }

  private anyDigits(length: number): string {
    return Array.from({ length }, () => String(this.below(10))).join('');
  }

  private piece(): string {
    switch (this.below(7)) {
      case 0:
        return this.pick(ESCAPES);
      case 1:
        return this.unicodeEscape(this.below(0x10000));
      case 2:
        return (
          this.unicodeEscape(0xd800 + this.below(0x800)) +
          this.pick(['', this.unicodeEscape(0xdc00 + this.below(0x400))])
        );
      case 3:
        return String.fromCodePoint(0x10000 + this.below(0x100000));
      case 4:
        return this.pick(['лот', 'ü', '\u007f', '\u2028', '\ue000', '\uff5e', '\u0080', '字', '😀', '\ufeff', 'é']);
      case 5:
        return this.pick([
          'a',
          'B',
          ' ',
          '/',
          '{',
          '}',
          '[',
          ']',
          ':',
          ',',
          ', 2.5',
          '-0',
          'https://e.test/1.jpg',
          "'",
        ]);
      default:
        return this.pick(['1', '10', '9', '0', '__proto__', 'lots', 'url', 'x', '1.0', 'NaN']);
    }
  }

  private unicodeEscape(unit: number): string {
    const hex = unit.toString(16).padStart(4, '0');
    return `\\u${this.chance(50) ? hex : hex.toUpperCase()}`;
  }
}

const ESCAPES = ['\\"', '\\\\', '\\/', '\\b', '\\f', '\\n', '\\r', '\\t', '\\u0000', '\\u001f', '\\u007F', '\\\\\\"'];

const AWKWARD_KEYS = [
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '"1"',
  '"10"',
  '"9"',
  '"01"',
  '"-1"',
  '""',
  '"a"',
  '"a"',
  '"b"',
  '"lot_id"',
  '"images"',
  '"\\u0061"',
  '"\\ud83d"',
  '"\\ud83d\\ude00"',
  '"\\ude00"',
  '"😀"',
  '"😁"',
  '"\uff5e"',
  '"\ue000"',
  '"\\ud83dz"',
  '"length"',
  '"4294967295"',
  '"é"',
  '"e\u0301"',
  '"\\u0000"',
  '"A"',
  '"_"',
  '"a b"',
  '"\\"q\\""',
];

const FAMOUS_NUMBERS = [
  '0',
  '0.0',
  '0e0',
  '0E-5',
  '0.00',
  '1.0',
  '1e5',
  '1e15',
  '1e16',
  '1e17',
  '1E400',
  '1e-400',
  '1e-4',
  '1e-5',
  '0.0001',
  '0.00001',
  '1.5e-7',
  '123456789.123',
  '9007199254740993',
  '9007199254740992.0',
  '123456789012345',
  '1234567890123456',
  '5e-324',
  '1e21',
  '1e22',
  '1e23',
  '2.2250738585072014e-308',
  '1.7976931348623157e308',
  '1.7976931348623159e308',
  '0.1',
  '2.50',
  '9999999999999998.0',
  '99999999999999990.0',
  '0.30000000000000004',
  '4.35',
  '1e0',
  '100000000000000000000',
  '2.675',
  '72057594037927945.0',
];
