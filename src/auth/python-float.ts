const ZERO = 0x30;

/**
 * A double holds every decimal of at most this many digits exactly enough, so its shortest text has the same digits.
 */
const EXACT_DIGITS = 15;
/** Far enough from the ends of what a double can hold, where digits are lost. */
const EXACT_EXPONENT = 290;

/**
 * Python's `float.__repr__` of a number of JSON that has a fraction or an exponent. Most are formatted from their own
 * digits. Making a double of each and printing it took six times as long, and a hostile body could consist of floats
 * alone.
 * @param token - as written
 * @param whole - its digits before the point, without sign
 * @param fraction - its digits behind the point; '' without
 * @param exponent - what follows the `e`; '' without
 */
export function pythonFloat(token: string, whole: string, fraction: string, exponent: string): string {
  if (exponent === '' && isOwnForm(whole, fraction)) return token;
  const all = whole + fraction;
  let from = 0;
  let to = all.length;
  while (from < to && all.charCodeAt(from) === ZERO) from++;
  while (to > from && all.charCodeAt(to - 1) === ZERO) to--;
  const sign = token.startsWith('-') ? '-' : '';
  if (from === to) return `${sign}0.0`;
  const size = whole.length - from - 1 + (exponent === '' ? 0 : Number(exponent));
  if (to - from > EXACT_DIGITS || Math.abs(size) > EXACT_EXPONENT) return ofDouble(Number(token));
  return layOut(sign, all.slice(from, to), size);
}

/** Whether Python prints the number as it is written. */
function isOwnForm(whole: string, fraction: string): boolean {
  if (whole.length + fraction.length > EXACT_DIGITS) return false;
  const last = fraction.charCodeAt(fraction.length - 1);
  if (last === ZERO && fraction.length > 1) return false;
  if (whole !== '0') return true;
  // Below 0.0001 Python prints an exponent.
  return fraction === '0' || fraction.length < 5 || !fraction.startsWith('0000');
}

/** The same shortest digits as JavaScript's, laid out as Python does. */
function ofDouble(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e16) return Number.isInteger(value) ? `${value}.0` : String(value);
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  if (size === 0) return `${sign}0.0`;
  const [mantissa, exponent] = size.toExponential().split('e') as [string, string];
  return layOut(sign, mantissa.replace('.', ''), Number(exponent));
}

/** @param exponent - of the first of `digits`, of which neither the first nor the last is 0 */
function layOut(sign: string, digits: string, exponent: number): string {
  if (exponent < -4 || exponent >= 16) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}
