import type { AppConfig } from '../../src/config/app-config.js';

interface File {
  readonly types: Readonly<Record<string, string>>;
  readonly issues: Readonly<Record<string, string>>;
  readonly sentences: Readonly<Record<string, string>>;
}

/**
 * The configuration with glossaries that pass all checks and none of whose texts can be read back all the same: the sentence on what
 * photos never show reads like a reason for which nothing can be assessed.
 */
export function unreadable(config: AppConfig, ...tags: readonly string[]): AppConfig {
  const glossaries = new Map(
    [...config.glossaries].map(([tag, text]) => {
      if (!tags.includes(tag)) return [tag, text];
      const file = JSON.parse(text) as File;
      const words = file.types['dent'] as string;
      const sentences = { ...file.sentences, limits: words, not_assessable: '{reasons}' };
      return [tag, JSON.stringify({ ...file, sentences, issues: { ...file.issues, blur: words } })];
    }),
  );
  return { ...config, glossaries };
}
