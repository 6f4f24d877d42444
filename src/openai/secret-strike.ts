const STRUCK = '[struck out]';
const MOST_CHARACTERS = 500;
/** What an upstream writes may hold anything; a log line holds text. */
const CONTROL = /\p{Cc}+/gu;

/** Takes what is secret out of what an upstream says: some servers quote the key that they refuse. */
export class SecretStrike {
  private readonly secrets: RegExp | undefined;

  /** @param values - of the key and of headers; a scheme's name before the secret ("Bearer …") may be missing in a quote */
  constructor(values: readonly (string | null)[]) {
    const whole = values.flatMap((value) => (value === null ? [] : [value, value.replace(/^[\w-]+ +/, '')]));
    const forms = whole.flatMap((value) => [
      value,
      encodeURIComponent(value),
      JSON.stringify(value).slice(1, -1),
      Buffer.from(value).toString('base64'),
    ]);
    // The longest first, so that a secret within another leaves nothing of that one behind.
    const patterns = [...new Set(forms)]
      .filter((form) => form.trim() !== '')
      .sort((a, b) => b.length - a.length)
      .map((form) => form.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
    this.secrets = patterns.length === 0 ? undefined : new RegExp(patterns.join('|'), 'gi');
  }

  /** The text without them, on one line and at most 500 characters long; cut last, or half a secret would stay. */
  outOf(text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    const struck = this.secrets === undefined ? text : text.replaceAll(this.secrets, STRUCK);
    return struck.replaceAll(CONTROL, ' ').slice(0, MOST_CHARACTERS);
  }
}
