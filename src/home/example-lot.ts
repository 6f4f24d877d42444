import { assess } from '../assessment/assess.js';
import type { Assessment } from '../assessment/assessment.js';
import { renderHtml } from '../assessment/html.js';
import { publishedStatements, publishedText, type Words } from '../assessment/published-text.js';
import { photosOf, rowsOfCar, type SampleCar } from './sample-cars.js';

/** The languages of the example; one is written from right to left. */
export const EXAMPLE_LANGUAGES = ['en', 'de', 'ar'] as const;

/** A lot in the members of an answer that the page shows. */
export interface ExampleLot {
  readonly lot_id: string;
  readonly descriptions: readonly { readonly language: string; readonly damages: string }[];
  readonly assessment: Assessment;
}

/**
 * A lot as the service describes it, made by this process: rows of what was drawn go the way of a model's rows, through the
 * checks and the glossaries. No model has a part in it.
 * @throws Error where a text may not be published: then a glossary or the drawing's rows are wrong
 */
export function exampleLot(car: SampleCar, photoPath: (view: string) => string, words: Pick<Words, 'for'>): ExampleLot {
  const photos = photosOf(car).map(({ view }, index) => ({ number: index + 1, url: photoPath(view) }));
  const assessment = assess(rowsOfCar(car), photos, { model: 'none: drawn sample', promptVersion: 'none' });
  const made = publishedStatements(assessment);
  if ('refused' in made) throw new Error(`the example lot cannot be described: ${JSON.stringify(made.refused)}`);
  const descriptions = EXAMPLE_LANGUAGES.map((language) => {
    const known = words.for(language);
    if (known === null) throw new Error(`the example lot needs a glossary for ${language}`);
    const published = publishedText(made.statements, known);
    if ('refused' in published) throw new Error(`the example lot has no text in ${language}`);
    return { language, damages: renderHtml(published.text) };
  });
  return { lot_id: `sample-${car.name}`, descriptions, assessment };
}
