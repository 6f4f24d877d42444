import type { AppConfig } from '../../src/config/app-config.js';

/** The configuration as main.ts makes it where no OpenAI key is set. */
export function sandboxed(config: AppConfig): AppConfig {
  return { ...config, openai: { ...config.openai, upstream: 'sandbox' } };
}
