import { checkLanguages } from '../../assessment/languages.js';
import { ServiceError } from '../../common/service-error.js';
import type { FieldProblems } from './field-problems.js';

/**
 * Judges the languages of a request; assessment/languages.ts knows the tags.
 * @throws ServiceError UNSUPPORTED_LANGUAGE naming each tag and the nearest one that is known
 */
export function checkLanguageTags(tags: readonly string[], max: number, problems: FieldProblems): void {
  const checked = checkLanguages(tags, max);
  if (checked.ok) return;
  switch (checked.problem) {
    case 'empty':
      // head-rules has reported it already, with what was there instead.
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
        details: { languages: checked.unsupported },
      });
  }
}

function describeUnsupported(languages: readonly { tag: string; suggestion: string | null }[]): string {
  const named = languages.map(({ tag, suggestion }) =>
    suggestion === null ? `"${tag.slice(0, 40)}"` : `"${tag.slice(0, 40)}" (did you mean "${suggestion}"?)`,
  );
  return `Not a supported language: ${named.join(', ')}.`;
}
