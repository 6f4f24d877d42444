import { answerValues } from './answer-json.js';
import { assess } from './assess.js';
import type { Assessment, PhotoRef } from './assessment.js';
import { schemaProblems } from './json-schema.js';
import { factsOf, readResponse } from './response-body.js';
import type { ResponseFacts, ResponseFailure } from './response-body.js';
import { excessOf } from './vision-bounds.js';
import { VISION_SCHEMA } from './vision-schema.js';
import type { VisionRows } from './vision-schema.js';

/** What became of a vision request; the usage counts in every case. */
export type VisionAnswer = ResponseFacts &
  (
    | {
        readonly kind: 'assessed';
        readonly assessment: Assessment;
        /** The model's own rows, for the record. */
        readonly raw: VisionRows;
      }
    | ResponseFailure
  );

/**
 * Turns a Response's body into an assessment. Never throws, whatever the body is.
 * @param body - as `POST /v1/responses` answers, or `response.body` of a line of a batch
 * @param photos - those that were sent, in the order sent, numbered as in the client's list
 * @param promptVersion - of the prompt that was sent
 */
export function parseVisionAnswer(body: unknown, photos: readonly PhotoRef[], promptVersion: string): VisionAnswer {
  const reading = readResponse(body);
  if (reading.kind !== 'text') {
    return reading;
  }
  const facts = factsOf(reading);
  let problems: readonly string[] | undefined;
  for (const value of answerValues(reading.texts)) {
    const wrong = problemsOf(value, photos);
    if (wrong.length === 0) {
      const raw = value as VisionRows;
      return {
        ...facts,
        kind: 'assessed',
        assessment: assess(raw, photos, { model: facts.model ?? '', promptVersion }),
        raw,
      };
    }
    problems ??= wrong;
  }
  return { ...facts, kind: 'invalid', problems: problems ?? ['$: not JSON'] };
}

function problemsOf(value: unknown, photos: readonly PhotoRef[]): readonly string[] {
  const problems = schemaProblems(value, VISION_SCHEMA);
  if (problems.length > 0) return problems;
  const excess = excessOf(value as VisionRows, photos);
  return excess === null ? [] : [excess];
}
