import { checkLanguages } from '../../assessment/languages.js';
import { API_VERSION } from '../../common/api-version.js';
import { cutText } from '../../common/cut-text.js';
import { isObject } from '../../common/json-tokens.js';
import { ServiceError } from '../../common/service-error.js';
import type { JobOptions } from '../../jobs/batch-job.entity.js';
import type { AddressVerdicts } from './address-verdicts.js';
import { characters, isStorable, type FieldProblems } from './field-problems.js';
import { checkWebhook, type LotReport } from './lot-rules.js';

export const REQUEST_MODES = ['auto', 'sync', 'batch'] as const;
export const INCLUDES = ['assessment', 'usage', 'notes'] as const;
export const WEBHOOK_EVENTS = ['batch_job_progress', 'delivery_exhausted', 'receiver_recovered'] as const;
const MAX_METADATA = 16;
const MAX_METADATA_KEY = 64;
const MAX_METADATA_VALUE = 512;

/** The members of a request besides its lots, checked. */
export interface RequestHead {
  /** As sent; {@link checkLanguageTags} judges them. */
  readonly languages: readonly string[];
  readonly mode: (typeof REQUEST_MODES)[number];
  readonly webhookUrl: string | null;
  readonly options: JobOptions;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Checks all members of the body except `lots` and `signature`; problems go to `report`.
 * @throws ServiceError UNSUPPORTED_VERSION before anything else is judged
 */
export function checkHead(
  head: Readonly<Record<string, unknown>>,
  urls: AddressVerdicts,
  report: LotReport,
): RequestHead {
  if (head['version'] !== API_VERSION) {
    throw new ServiceError('UNSUPPORTED_VERSION', `This service speaks version "${API_VERSION}"; send it as version.`, {
      details: { supported_versions: [API_VERSION] },
    });
  }
  const { problems } = report;
  report.unknown.head(head);
  const languages = head['languages'];
  const languagesFine =
    Array.isArray(languages) && languages.length > 0 && languages.every((tag) => typeof tag === 'string');
  if (!languagesFine) problems.add('languages', 'must be a list of at least one BCP 47 tag');
  return {
    languages: languagesFine ? (languages as string[]) : [],
    mode:
      oneOf(head['mode'], REQUEST_MODES, () => problems.add('mode', `must be one of ${REQUEST_MODES.join(', ')}`)) ??
      'auto',
    webhookUrl: checkWebhook(head['webhook_url'], 'webhook_url', urls, report),
    options: {
      ...listOption('include', INCLUDES, head, report),
      ...listOption('webhook_events', WEBHOOK_EVENTS, head, report),
      ...costOption(head['max_cost_usd'], report),
    },
    metadata: checkMetadata(head['metadata'], report),
  };
}

/**
 * Checks the languages of a checked head; assessment/languages.ts knows the tags. Separate from {@link checkHead},
 * because a request's mode is checked before its languages.
 * @throws ServiceError UNSUPPORTED_LANGUAGE naming each tag and the nearest one that is known
 */
export function checkLanguageTags(tags: readonly string[], max: number, problems: FieldProblems): void {
  const checked = checkLanguages(tags, max);
  if (checked.ok) return;
  switch (checked.problem) {
    case 'empty':
      // checkHead has already reported it.
      return;
    case 'too_many':
      problems.add('languages', `at most ${checked.max}, ${checked.provided} were given`);
      return;
    case 'repeated':
      problems.add(
        'languages',
        `each once, compared without case; repeated: ${checked.repeated.join(', ').slice(0, 200)}`,
      );
      return;
    case 'unsupported':
      throw new ServiceError('UNSUPPORTED_LANGUAGE', describeUnsupported(checked.unsupported), {
        details: {
          languages: checked.unsupported.map(({ tag, suggestion }) => ({ tag: cutText(tag), suggestion })),
        },
      });
  }
}

function describeUnsupported(languages: readonly { tag: string; suggestion: string | null }[]): string {
  const named = languages.map(({ tag, suggestion }) =>
    suggestion === null ? `"${tag.slice(0, 40)}"` : `"${tag.slice(0, 40)}" (did you mean "${suggestion}"?)`,
  );
  return `Not a supported language: ${named.join(', ')}.`;
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], complain: () => void): T | undefined {
  if (value === undefined || value === null) return undefined;
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) complain();
  return found;
}

function listOption(
  name: 'include' | 'webhook_events',
  allowed: readonly string[],
  head: Readonly<Record<string, unknown>>,
  { problems }: LotReport,
): Partial<JobOptions> {
  const value = head[name];
  if (value === undefined || value === null) return {};
  if (!Array.isArray(value) || !value.every((item) => allowed.includes(item as string))) {
    problems.add(name, `must be a list of ${allowed.join(', ')}`);
    return {};
  }
  return value.length === 0 ? {} : { [name]: [...new Set(value as string[])] };
}

function costOption(value: unknown, { problems }: LotReport): Partial<JobOptions> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    problems.add('max_cost_usd', 'must be a number above 0');
    return {};
  }
  return { max_cost_usd: value };
}

function checkMetadata(value: unknown, { problems }: LotReport): Record<string, string> {
  if (value === undefined || value === null) return {};
  const entries = isObject(value) ? Object.entries(value) : null;
  if (entries === null || entries.length > MAX_METADATA) {
    problems.add('metadata', `must be an object of at most ${MAX_METADATA} strings`);
    return {};
  }
  const metadata: [string, string][] = [];
  for (const [key, text] of entries) {
    if (characters(key) > MAX_METADATA_KEY || !isStorable(key)) {
      problems.add('metadata', `a name must have at most ${MAX_METADATA_KEY} characters`);
    } else if (typeof text !== 'string' || characters(text) > MAX_METADATA_VALUE || !isStorable(text)) {
      problems.add(`metadata.${key}`, `must be a string of at most ${MAX_METADATA_VALUE} characters`);
    } else {
      metadata.push([key, text]);
    }
  }
  return Object.fromEntries(metadata);
}
