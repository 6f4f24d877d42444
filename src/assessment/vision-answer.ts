import { assess } from './assess.js';
import type { Assessment, PhotoRef } from './assessment.js';
import { schemaProblems } from './json-schema.js';
import { parseJson, readResponse } from './response-body.js';
import type { ResponseFacts, ResponseFailure } from './response-body.js';
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
  const { responseId, model, usage } = reading;
  const facts: ResponseFacts = { responseId, model, usage };
  const value = parseJson(reading.text);
  if (value === undefined) {
    return { ...facts, kind: 'invalid', problems: ['$: not JSON'] };
  }
  const problems = schemaProblems(value, VISION_SCHEMA);
  if (problems.length > 0) {
    return { ...facts, kind: 'invalid', problems };
  }
  const raw = value as VisionRows;
  return { ...facts, kind: 'assessed', assessment: assess(raw, photos, { model: model ?? '', promptVersion }), raw };
}
