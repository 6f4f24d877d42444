import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parsePrompt } from '../../src/assessment/prompt.js';
import { buildTranslationRequest } from '../../src/assessment/translation.js';
import {
  SCHEMA_VERSION,
  VISION_TEXT_FORMAT,
  VISION_TEXT_FORMAT_WITH_NOTES,
} from '../../src/assessment/vision-schema.js';
import { translationSettings } from './fixtures.js';

/**
 * What each version told the models, by its fingerprint. Results name these versions for good, so a line never changes: after an
 * edit of a prompt raise its `version`, after a change of what a member of the schema means raise the first half of SCHEMA_VERSION,
 * and add a line here.
 */
const TOLD: Readonly<Record<string, string>> = {
  'vision-2 with schema 2-12c842e1': '9fe8aed13bff',
  'vision-2 with schema 2-b334bd79': '8a700337ffb6',
  'translation-1': 'c9427eb1b559',
  'translation-2': '34d4deb997d3',
};

const shipped = (name: string) =>
  parsePrompt(readFileSync(new URL(`../../prompts/${name}.md`, import.meta.url), 'utf8'));

const fingerprint = (...told: unknown[]) =>
  createHash('sha256').update(JSON.stringify(told)).digest('hex').slice(0, 12);

describe('what the models are told', () => {
  it('what the models are told of photos has a version of its own: prompt with its lists, and schemas', () => {
    const { version, body } = shipped('vision');
    const name = `${version} with schema ${SCHEMA_VERSION}`;
    const now = fingerprint(body, VISION_TEXT_FORMAT, VISION_TEXT_FORMAT_WITH_NOTES);
    expect({ [name]: now }).toEqual({ [name]: TOLD[name] });
  });

  it('what the models are told of translations has a version of its own', () => {
    const { version, body } = shipped('translation');
    const { text } = buildTranslationRequest(['one', 'two'], ['de', 'fr'], translationSettings);
    expect({ [version]: fingerprint(body, text) }).toEqual({ [version]: TOLD[version] });
  });
});
