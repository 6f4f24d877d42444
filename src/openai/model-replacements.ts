/** What OpenAI's deprecation notices of April and October 2026 name in place of models that this service has run on. */
const REPLACEMENTS: Readonly<Record<string, string>> = {
  'o4-mini': 'gpt-5.6-terra',
  'gpt-4.1-mini': 'gpt-6-luna',
};

/**
 * The named replacement of a model, its dated snapshots (`o4-mini-2025-04-16`) included; undefined where none is known.
 */
export function replacementOf(model: string): string | undefined {
  return REPLACEMENTS[model.replace(/-\d{4}-\d{2}-\d{2}$/, '')];
}
