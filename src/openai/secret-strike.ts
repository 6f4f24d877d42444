const STRUCK = '[struck out]';
const MOST_CHARACTERS = 500;
/** Control characters in an upstream's text, which must not get into a log line. */
const CONTROL = /\p{Cc}+/gu;

/** Removes our secrets from an upstream's text, because some servers quote the key that they refuse. */
export class SecretStrike {
  private readonly secrets: RegExp | undefined;

  /**
   * @param values - the secrets: the key and the headers' values. A quote may lack the scheme's name ("Bearer …")
   * before the secret
   */
  constructor(values: readonly (string | null)[]) {
    const whole = values.flatMap((value) => (value === null ? [] : [value, value.replace(/^[\w-]+ +/, '')]));
    const forms = whole.flatMap((value) => [
      value,
      encodeURIComponent(value),
      JSON.stringify(value).slice(1, -1),
      Buffer.from(value).toString('base64'),
    ]);
    // The longest first: if one secret contains another, removing the shorter one first would leave a part of the
    // longer one.
    const patterns = [...new Set(forms)]
      .filter((form) => form.trim() !== '')
      .sort((a, b) => b.length - a.length)
      .map((form) => form.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
    this.secrets = patterns.length === 0 ? undefined : new RegExp(patterns.join('|'), 'gi');
  }

  /**
   * The text without secrets, on one line and at most 500 characters long. It is shortened last, because otherwise half
   * a secret could stay.
   */
  outOf(text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    const struck = this.secrets === undefined ? text : text.replaceAll(this.secrets, STRUCK);
    return struck.replaceAll(CONTROL, ' ').slice(0, MOST_CHARACTERS);
  }
}
