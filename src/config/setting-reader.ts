import { readFileSync } from 'node:fs';

/** Thrown at start; names the variables that are wrong and never their values. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The settings are not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads variables one by one and collects their problems, so that a start reports all of them at once. Problems name
 * the variable and the rule, never the value: a malformed secret must not land in a log.
 */
export class SettingReader {
  readonly problems: string[] = [];

  constructor(private readonly environment: Environment) {}

  problem(text: string): void {
    this.problems.push(text);
  }

  text(name: string, fallback = ''): string {
    const value = this.environment[name];
    return value === undefined || value === '' ? fallback : value;
  }

  /** A secret: NAME itself, or the content of the file that NAME_FILE names (its last line end is dropped). */
  secret(name: string): string {
    const file = this.text(`${name}_FILE`);
    if (file === '') return this.text(name);
    if (this.text(name) !== '') {
      this.problem(`${name} and ${name}_FILE are both set; keep one`);
      return '';
    }
    try {
      return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    } catch {
      this.problem(`${name}_FILE names a file that cannot be read`);
      return '';
    }
  }

  /** A number between `min` and `max`. */
  number(name: string, fallback: number, { min = 0, max = Number.MAX_SAFE_INTEGER, integer = true } = {}): number {
    const value = this.text(name);
    if (value === '') return fallback;
    const parsed = /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
    if (Number.isNaN(parsed) || parsed < min || parsed > max || (integer && !Number.isInteger(parsed))) {
      this.problem(`${name} must be ${integer ? 'a whole number' : 'a number'} from ${min} to ${max}`);
      return fallback;
    }
    return parsed;
  }

  /** A duration in plain seconds; fractions are allowed. */
  seconds(name: string, fallback: number, { min = 0, max = 31_536_000 } = {}): number {
    return this.number(name, fallback, { min, max, integer: false });
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.text(name).toLowerCase();
    if (value === '') return fallback;
    if (value === 'true' || value === '1') return true;
    if (value === 'false' || value === '0') return false;
    this.problem(`${name} must be true or false`);
    return fallback;
  }

  oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    const value = this.text(name);
    if (value === '') return fallback;
    const found = allowed.find((candidate) => candidate === value);
    if (found !== undefined) return found;
    this.problem(`${name} must be one of ${allowed.join(', ')}`);
    return fallback;
  }

  list(name: string): string[] {
    return this.text(name)
      .split(/[\s,]+/)
      .filter((item) => item !== '');
  }

  /** A JSON object, or null where the variable is empty or wrong (the problem is noted). */
  jsonObject(name: string, raw: string): Record<string, unknown> | null {
    if (raw === '') return null;
    try {
      const parsed: unknown = JSON.parse(raw);
      if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
        return parsed as Record<string, unknown>;
      }
    } catch {
      // Reported below, because the parser's own message would quote the value.
    }
    this.problem(`${name} must be a JSON object`);
    return null;
  }
}
