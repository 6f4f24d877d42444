/** A pattern with its `{names}` filled in, each once; what is filled in is not looked at again. */
export function fill(pattern: string, values: Readonly<Record<string, string>>): string {
  return pattern.replaceAll(/\{([a-z_]+)\}/g, (name, key: string) => values[key] ?? name);
}

/** With a capital at the front, as the locale writes it; scripts without capitals stay as they are. */
export function capitalized(text: string, locale: string): string {
  const [first] = text;
  return first === undefined ? text : first.toLocaleUpperCase(locale) + text.slice(first.length);
}
