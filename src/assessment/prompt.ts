import { createHash } from 'node:crypto';
import { COUNTS, EXTENTS, THROUGH, ZONES } from './damage-details.js';
import { LOT_FLAGS, PHOTO_ISSUES } from './lot-flags.js';
import { PROMPT_CANARY } from './model-text.js';
import { codesOf } from './part-rules.js';
import { DAMAGE_TYPES, NOT_DAMAGE, PARTS, SEVERITIES } from './taxonomy.js';

/** A prompt, ready to be sent. */
export interface Prompt {
  /** `version` of the front matter, or `override-` and the first 12 hex digits of the override's SHA-256. */
  readonly version: string;
  /** The front matter without `version`: hints for the choice of a model, such as `max_output_tokens`. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** The instructions with their lists filled in. */
  readonly body: string;
}

/** A prompt file that cannot be used; the message says why and never quotes the prompt. */
export class PromptError extends Error {
  override readonly name = 'PromptError';
}

/**
 * Reads a prompt file: front matter between two lines `---` (`name: value` each), then the body, in which
 * `{{parts}}`, `{{damage_types}}`, `{{not_damage}}`, `{{zones}}`, `{{extents}}`, `{{counts}}`, `{{through}}`, `{{severities}}`,
 * `{{flags}}`, `{{photo_issues}}` and `{{canary}}` stand for the taxonomy's lists.
 * @param file - the file's whole text
 * @param override - replaces the body (VISION_SYSTEM_PROMPT); empty or absent: the file's own
 * @throws PromptError without front matter, version or body, or with a placeholder that is not known
 */
export function parsePrompt(file: string, override = ''): Prompt {
  const text = file.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const parts = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text);
  if (parts === null) {
    throw new PromptError('the prompt must begin with front matter between two lines of ---');
  }
  const settings = frontMatter(parts[1] ?? '');
  const { version, ...others } = settings;
  if (version === undefined) {
    throw new PromptError('the front matter has no version');
  }
  if (override.trim() !== '') {
    const digest = createHash('sha256').update(override).digest('hex').slice(0, 12);
    return { version: `override-${digest}`, settings: others, body: fill(override.trim()) };
  }
  const body = (parts[2] ?? '').trim();
  if (body === '') {
    throw new PromptError('the prompt has no text after its front matter');
  }
  return { version: String(version), settings: others, body: fill(body) };
}

function frontMatter(text: string): Record<string, string | number> {
  const settings: Record<string, string | number> = {};
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) {
      continue;
    }
    const pair = /^([a-z][a-z0-9_]*):\s*(.+?)\s*$/.exec(line);
    if (pair === null) {
      throw new PromptError('a line of the front matter is not of the form name: value');
    }
    const [, name = '', value = ''] = pair;
    settings[name] =
      /^\d+(\.\d+)?$/.test(value) && name !== 'version' ? Number(value) : value.replace(/^"(.*)"$/, '$1');
  }
  return settings;
}

const PLACEHOLDERS: Readonly<Record<string, () => string>> = {
  parts: () => codesOf(PARTS).join(', '),
  damage_types: () => lines(DAMAGE_TYPES, ({ meaning }) => meaning),
  not_damage: () => lines(NOT_DAMAGE, ({ name }) => name),
  zones: () => lines(ZONES, ({ meaning }) => meaning),
  extents: () => lines(EXTENTS, ({ meaning }) => meaning),
  counts: () => lines(COUNTS, ({ meaning }) => meaning),
  through: () => lines(THROUGH, ({ meaning }) => meaning),
  severities: () => lines(SEVERITIES, ({ anchor }) => anchor),
  flags: () => lines(LOT_FLAGS, ({ question }) => question),
  photo_issues: () => lines(PHOTO_ISSUES, ({ name }) => `the photo ${name}`),
  canary: () => PROMPT_CANARY,
};

function lines<K extends string, T>(list: Readonly<Record<K, T>>, say: (entry: T) => string): string {
  return codesOf(list)
    .map((code) => `- ${code}: ${say(list[code])}`)
    .join('\n');
}

function fill(body: string): string {
  return body.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const list = Object.hasOwn(PLACEHOLDERS, name) ? PLACEHOLDERS[name] : undefined;
    if (list === undefined) {
      throw new PromptError(
        `the prompt has a placeholder that is not known; known are ${Object.keys(PLACEHOLDERS).join(', ')}`,
      );
    }
    return list();
  });
}
